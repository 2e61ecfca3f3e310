/* procnet.h - files of /proc/net and /proc/sys/net, as the stack would show them */
#ifndef PRELOAD_PROCNET_H
#define PRELOAD_PROCNET_H

#include <stdbool.h>
#include <stdio.h>

bool procnet_is(const char *path);
int procnet_text(const char *path, char **text);

/* a file's lines; @stack is the control socket, NULL: there is no stack (null).
 * 0 or -errno */
typedef int procnet_fn(FILE *f, const char *stack, int arg);
procnet_fn proc_tcp, proc_udp, proc_udplite, proc_raw, proc_packet, proc_netlink;	/* proc_sock.c */
procnet_fn proc_unix;							/* proc_unix.c */
procnet_fn proc_route, proc_route6, proc_arp;				/* proc_route.c */

#endif
