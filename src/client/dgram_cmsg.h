/* dgram_cmsg.h - ancillary data of datagrams, between msghdr and record */
#ifndef CLIENT_DGRAM_CMSG_H
#define CLIENT_DGRAM_CMSG_H

#include <stddef.h>
#include <sys/socket.h>
#include "proto/dgram.h"

/* what stands before the data (DGRAM_F_CTL); the room is the caller's, who has some only
 * where there may be any: threads can have small stacks */
struct dgram_ctls {
	uint8_t *b;
	size_t size, len;
};

int dgram_read_cmsgs(const struct msghdr *m, int domain, struct dgram_hdr *h,
		     struct dgram_ctls *more);
void dgram_put_cmsgs(struct msghdr *m, const struct dgram_hdr *h, const struct dgram_ctls *more,
		     unsigned opts, int level, int type, const void *last, size_t len);
size_t dgram_ctl_len(const struct dgram_hdr *h);
void dgram_realign(const struct msghdr *m, struct dgram_ctls *ctl, size_t want);

#endif
