/* daemon-engine.h - what tests set in the engine's test double */
#ifndef TESTS_DAEMON_ENGINE_H
#define TESTS_DAEMON_ENGINE_H

struct engine;

extern unsigned stub_nif;	/* interfaces after engine_configure() */
extern const char *stub_fail;	/* why engine_configure() fails, or NULL */
extern int stub_board;		/* what engine_board() gives */
void stub_drop_all(struct engine *e);

#endif
