/* nlmsg.h - build and read netlink messages */
#ifndef ENGINE_NLMSG_H
#define ENGINE_NLMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

/* a growing buffer of whole messages; zero-initialise, nlbuf_free() at the end */
struct nlbuf {
	uint8_t *data;
	size_t len, cap;
	size_t msg;			/* where the message being built begins */
	size_t max;			/* refuse to grow beyond; 0: NLBUF_MAX */
	bool failed;			/* no memory or too long: what follows is not written */
};

#define NLBUF_MAX	(4u << 20)	/* the longest answer: some 40,000 routes */

void *nl_begin(struct nlbuf *b, const struct nlmsghdr *h, size_t family_hdr);
void nl_end(struct nlbuf *b);
void nl_cancel(struct nlbuf *b);
void nlbuf_free(struct nlbuf *b);

void nl_append(struct nlbuf *b, const void *data, size_t len);
void nl_put(struct nlbuf *b, int type, const void *data, size_t len);
void nl_put_u8(struct nlbuf *b, int type, uint8_t v);
void nl_put_u32(struct nlbuf *b, int type, uint32_t v);
void nl_put_str(struct nlbuf *b, int type, const char *s);
size_t nl_nest(struct nlbuf *b, int type);
void nl_nest_end(struct nlbuf *b, size_t at);

/* one attribute as received; data is inside the message */
struct nla {
	const void *data;		/* NULL: not there */
	uint16_t len;
};

int nl_parse(struct nla *tb, unsigned max, const void *data, size_t len);
const void *nl_body(const struct nlmsghdr *h, size_t size);
int nl_parse_msg(struct nla *tb, unsigned max, const struct nlmsghdr *h, size_t family_hdr);
uint32_t nla_u32(const struct nla *a, uint32_t none);
uint8_t nla_u8(const struct nla *a, uint8_t none);
bool nla_str(const struct nla *a, char *out, size_t size);

#endif
