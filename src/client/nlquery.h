/* nlquery.h - questions of our own to a stack, by netlink */
#ifndef CLIENT_NLQUERY_H
#define CLIENT_NLQUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

/* a request being built */
struct nlq {
	struct nlmsghdr h;
	char body[496];
};

typedef void nlq_visit(const struct nlmsghdr *h, void *arg);

void *nlq_begin(struct nlq *q, int type, int flags, size_t hdr);
void nlq_put(struct nlq *q, int type, const void *data, size_t len);
void nlq_put_u32(struct nlq *q, int type, uint32_t v);
int nlq_run(const char *path, int protocol, const struct nlq *q, nlq_visit *fn, void *arg);
void nlq_attrs(const struct nlmsghdr *h, size_t hdr, const struct nlattr *tb[], int max);
bool nlq_get(const struct nlattr *a, void *out, size_t size);

#endif
