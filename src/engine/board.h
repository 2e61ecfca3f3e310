/* board.h - the engine's side of the board that clients read (proto/board.h) */
#ifndef ENGINE_BOARD_H
#define ENGINE_BOARD_H

#include "proto/board.h"

struct engine;

int board_open(struct engine *e);
void board_close(struct engine *e);
void board_changed(struct engine *e);
void board_settle(struct engine *e);

#endif
