/* daemon-engine.c - a test double of the engine for the tests of src/daemon
 *
 * Keeps sockets in a list and remembers what was asked of them; there is no
 * network.  An address with port 1 fails to bind, option 1000 takes any
 * value and gives it back, a connect to port 9 ends the socket with
 * ECONNREFUSED, as the engine does when the answer is an RST.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "engine/engine.h"
#include "daemon-engine.h"

struct sock {
	struct sock *next;
	struct engine *e;
	uint64_t id;
	struct msg_socket how;
	struct msg_addr local, peer;
	int fd;
	uint8_t val[MSG_OPT_MAX];
	uint32_t vallen;
};

struct engine {
	struct sock *socks;
	unsigned nsock, nif;
	uint64_t dead;
	int dead_err;
};

unsigned stub_nif = 1;
const char *stub_fail;
int stub_board = -1;

struct engine *engine_new(struct loop *loop, const char *path)
{
	return calloc(1, sizeof(struct engine));
}

int engine_configure(struct engine *e, const struct config *c, char *err, size_t errlen)
{
	if (stub_fail) {
		strncpy(err, stub_fail, errlen);
		return -ENODEV;
	}
	e->nif = stub_nif;
	return 0;
}

int engine_board(const struct engine *e)
{
	return stub_board;
}

int sock_outlook(struct sock *s, const struct msg_outlook *q, struct msg_verdict *v)
{
	v->err = q->judge ? ENETUNREACH : 0;
	return 0;
}

static void drop(struct sock **at)
{
	struct sock *s = *at;

	*at = s->next;
	s->e->nsock--;
	close(s->fd);
	free(s);
}

void engine_free(struct engine *e)
{
	while (e->socks)
		drop(&e->socks);
	free(e);
}

unsigned engine_nsock(const struct engine *e)
{
	return e->nsock;
}

bool engine_in_use(const struct engine *e)
{
	return e->nsock > 0;
}

unsigned engine_users(const struct engine *e, unsigned first, unsigned max,
		      struct msg_user *out, unsigned *next)
{
	unsigned n = 0;

	for (const struct sock *s = e->socks; s && n < max; s = s->next)
		if (first == 0)
			out[n++] = (struct msg_user){ .domain = s->how.domain,
						      .type = s->how.type };
	*next = 0;
	return n;
}

void engine_names(const struct engine *e, struct msg_names *out)
{
	strcpy(out->search, "lab.test");
}

int engine_proc(struct engine *e, const char *name, size_t offset, void *piece, size_t size)
{
	if (strcmp(name, "net/snmp") != 0)
		return -ENOENT;
	memset(piece, 'x', size);
	return offset == 0 ? (int)size : offset == size ? 3 : 0;
}

void engine_info(const struct engine *e, struct msg_info *info)
{
	info->nif = e->nif;
	info->nsock_stream = e->nsock;
}

bool engine_ifinfo(const struct engine *e, unsigned i, struct msg_ifinfo *out)
{
	if (i >= e->nif)
		return false;
	out->index = i + 1;
	out->name[0] = 'a' + (char)(i % 26);
	return true;
}

int engine_socket(struct engine *e, uint64_t id, const struct msg_socket *how, int fd)
{
	struct sock *s;

	if (engine_sock(e, id)) {
		close(fd);
		return -EEXIST;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->e = e;
	s->id = id;
	s->how = *how;
	s->fd = fd;
	s->next = e->socks;
	e->socks = s;
	e->nsock++;
	return 0;
}

struct sock *engine_sock(struct engine *e, uint64_t id)
{
	struct sock *s;

	for (s = e->socks; s && s->id != id; s = s->next)
		;
	return s;
}

void stub_drop_all(struct engine *e)
{
	while (e->socks)
		drop(&e->socks);
}

int sock_bind(struct sock *s, const struct msg_addr *a)
{
	if (a->addr.in.sin_port == htons(1))
		return -EADDRINUSE;
	s->local = *a;
	return 0;
}

int sock_connect(struct sock *s, const struct msg_addr *to, uint32_t plug)
{
	struct engine *e = s->e;
	struct sock **at = &e->socks;

	s->peer = *to;
	if (to->addr.in.sin_port != htons(9))
		return 0;
	e->dead = s->id;
	e->dead_err = ECONNREFUSED;
	while (*at != s)
		at = &(*at)->next;
	drop(at);
	return 0;
}

int sock_listen(struct sock *s, int backlog)
{
	return backlog < 0 ? -EINVAL : 0;
}

int sock_shutdown(struct sock *s, int how)
{
	return s->peer.len ? 0 : -ENOTCONN;
}

int sock_urgent(struct sock *s, const void *data, size_t len)
{
	return s->peer.len ? 0 : -EPIPE;
}

int sock_getname(struct sock *s, bool peer, struct msg_addr *out)
{
	if (peer && !s->peer.len)
		return -ENOTCONN;
	*out = peer ? s->peer : s->local;
	return 0;
}

int sock_setopt(struct sock *s, int level, int name, const void *val, uint32_t len)
{
	if (name != 1000)
		return -ENOPROTOOPT;
	memcpy(s->val, val, len);
	s->vallen = len;
	return 0;
}

int sock_getopt(struct sock *s, int level, int name, void *val, uint32_t *len)
{
	if (name != 1000)
		return -ENOPROTOOPT;
	if (*len > s->vallen)
		*len = s->vallen;
	memcpy(val, s->val, *len);
	return 0;
}

int sock_ring(struct sock *s, const struct msg_ring *shape, int fd)
{
	close(fd);
	return shape->block_nr ? 0 : -EINVAL;
}

void sock_stat(const struct sock *s, struct msg_stat *out)
{
	out->domain = s->how.domain;
	out->type = s->how.type;
	out->protocol = s->how.protocol;
}

int engine_past_setopt(struct engine *e, uint64_t id, int level, int name, const void *val,
		       uint32_t len)
{
	(void)e, (void)id, (void)level, (void)name, (void)val, (void)len;
	return -ESTALE;
}

int engine_past_getopt(struct engine *e, uint64_t id, int level, int name, void *val, uint32_t *len)
{
	(void)e, (void)id, (void)level, (void)name, (void)val, (void)len;
	return -ESTALE;
}

int engine_past_getname(struct engine *e, uint64_t id, struct msg_addr *out)
{
	(void)e, (void)id, (void)out;
	return -ESTALE;
}

int engine_epitaph(struct engine *e, uint64_t id)
{
	int err = id == e->dead ? e->dead_err : 0;

	if (err)
		e->dead = 0;
	return err;
}
