/* fuzz-msg.c - control messages: what msg_check() lets through can be read
 * without a further look at lengths.  Input: number of descriptors, message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "proto/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_addr(const struct msg_addr *a)
{
	check(a->len <= sizeof(a->addr));
}

/* the checks see only what arrived: a heap block of that size tells if they
 * look further */
static struct msg *arrived(const uint8_t *data, size_t size)
{
	struct msg *m = malloc(size ? size : 1);

	check(m != NULL);
	memcpy(m, data, size);
	return m;
}

static void check_request(const struct msg *m, size_t size, int nfds)
{
	if (msg_check(m, size, nfds))
		return;
	check(size >= sizeof(m->hdr) && msg_size(m) == size && size <= MSG_MAX);
	check(m->hdr.op > 0 && m->hdr.op < MSG_OP_COUNT);
	check(nfds <= 1);
	if (m->hdr.op == MSG_OP_BIND)
		check_addr(&m->addr);
	if (m->hdr.op == MSG_OP_CONNECT)
		check_addr(&m->connect.to);
	if (m->hdr.op == MSG_OP_SETSOCKOPT)
		check(sizeof(m->hdr) + sizeof(m->opt) + m->opt.len == size);
	if (m->hdr.op == MSG_OP_GETSOCKOPT)
		check(m->opt.len <= MSG_OPT_MAX);
}

static void check_reply(const struct msg *m, size_t size)
{
	if (size < sizeof(m->hdr) || msg_check_reply(m, size, m->hdr.op, m->hdr.seq))
		return;
	check(msg_size(m) == size && m->hdr.err <= 0);
	if (m->hdr.op == MSG_OP_GETSOCKOPT && !m->hdr.err)
		check(sizeof(m->hdr) + sizeof(m->opt) + m->opt.len == size);
	if (m->hdr.op == MSG_OP_INFO && !m->hdr.err)
		check(sizeof(m->hdr) + sizeof(m->info) +
		      m->info.nif * sizeof(struct msg_ifinfo) == size);
}

static void check_sockaddr(const uint8_t *data, size_t size)
{
	struct sockaddr *sa = malloc(size ? size : 1);
	struct msg_addr a;

	check(sa != NULL);
	memcpy(sa, data, size);
	if (msg_addr_set(&a, sa, (socklen_t)size) == 0)
		check_addr(&a);
	free(sa);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg *m;

	if (size < 1 || size - 1 > MSG_MAX)
		return 0;
	m = arrived(data + 1, size - 1);
	check_request(m, size - 1, data[0] & 7);
	check_reply(m, size - 1);
	free(m);
	check_sockaddr(data + 1, size - 1);
	return 0;
}
