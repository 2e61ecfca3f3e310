/* vde_open.h - open a VNL without keeping the loop waiting; for vde.c */
#ifndef LINK_VDE_OPEN_H
#define LINK_VDE_OPEN_H

#include <stdbool.h>
#include <libvdeplug.h>

struct vde_opening;

int vde_open_start(const char *vnl, struct vde_opening **out);
bool vde_open_wait(const struct vde_opening *o, int ms);
int vde_open_fd(const struct vde_opening *o);
int vde_open_take(struct vde_opening *o, VDECONN **conn, int *efd);
void vde_open_abandon(struct vde_opening *o);

#endif
