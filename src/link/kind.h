/* kind.h - what the kinds of links have in common; only for src/link */
#ifndef LINK_KIND_H
#define LINK_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include "base/loop.h"	/* container_of */
#include "link/link.h"

/* one call of recv() skips at most so many unusable frames, so that a flood of
 * them cannot keep the loop; it polls level-triggered and comes back */
#define LINK_RX_SKIP	64

/* openers: @arg is what follows "KIND:", for vde the whole specification.
 * They leave ->spec to link_open() and, on failure, the reason in @err. */
typedef int link_open_fn(const char *arg, struct link **out, char *err, size_t errlen);
link_open_fn tap_open, tun_open, fd_open, dummy_open, veth_open, impair_open, vde_link_open;

/* a tun or tap whose descriptor exists already; on failure @fd stays open */
int tuntap_attach(int fd, struct link **out, char *err, size_t errlen);

int link_fail(int rc, char *err, size_t errlen, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int link_patience(void);
size_t link_iov_len(const struct iovec *iov, int cnt);
bool link_took(struct link *l, struct link_buf *b, size_t len);
int link_sent(struct link *l, size_t len);
int link_drop(struct link *l, int rc);

#endif
