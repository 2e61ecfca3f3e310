/* bpf.h - classic BPF: check a program once, run it for each packet */
#ifndef ENGINE_BPF_H
#define ENGINE_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/filter.h>

struct bpf_prog;

/* a packet as a program sees it.  mac and net lie in the same block of memory,
 * which ends at data + len; NULL: there is no such header */
struct bpf_packet {
	const uint8_t *data;		/* where loads count from */
	uint32_t len;
	const uint8_t *mac, *net;	/* SKF_LL_OFF, SKF_NET_OFF */
	uint32_t ifindex;
	uint16_t protocol;		/* Ethernet type, host order */
	uint16_t hatype;		/* ARPHRD_* */
	uint8_t pkttype;		/* PACKET_HOST ... */
	bool vlan;
	uint16_t vlan_tci, vlan_tpid;
};

int bpf_check(const struct sock_filter *f, size_t n);
int bpf_new(const struct sock_filter *f, size_t n, struct bpf_prog **out);
void bpf_free(struct bpf_prog *p);		/* NULL is fine */
uint32_t bpf_run(const struct bpf_prog *p, const struct bpf_packet *pkt);

#endif
