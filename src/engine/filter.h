/* filter.h - the packet filter of a socket: SO_ATTACH_FILTER and its kin */
#ifndef ENGINE_FILTER_H
#define ENGINE_FILTER_H

#include <stddef.h>
#include <stdint.h>

struct bpf_packet;
struct bpf_prog;
struct pbuf;
struct sock;

struct filter {
	struct bpf_prog *prog;		/* attached; NULL: everything is wanted */
	struct sock_filter *piece;	/* of a program that is still arriving */
	uint32_t total, have;
	int locked;
};

int filter_setopt(struct sock *s, int name, const void *val, uint32_t len);
int filter_getopt(struct sock *s, int name, void *val, uint32_t *len);
void filter_free(struct sock *s);
size_t filter_datagram(struct sock *s, const struct pbuf *p, unsigned at, unsigned ifindex);

#endif
