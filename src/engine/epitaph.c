/* epitaph.c - what is remembered of sockets that ended by failure
 *
 * Theory of operation
 * A stream socket learns of failure by the end of its pair, so the engine has
 * no socket any more while the application still holds a descriptor.  What the
 * kernel would go on answering is kept here: the errno, until it was asked for;
 * the local address; the options, which may be read and set, and which the
 * next attempt to connect starts from (a fresh pair under the same id).
 * There are ENGINE_EPITAPHS; the oldest makes room.  They are found by a hash, as
 * each new socket looks whether its id is known.
 */
#include <errno.h>
#include <string.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "engine/tcp.h"

static uint16_t *bucket(struct engine *e, uint64_t id)
{
	return &e->epitaph_bucket[id % ENGINE_EPITAPHS];
}

static void forget(struct engine *e, struct epitaph *p)
{
	uint16_t *link = bucket(e, p->id), self = (uint16_t)(p - e->epitaph + 1);

	if (!p->id)
		return;
	while (*link != self)
		link = &e->epitaph[*link - 1].chain;
	*link = p->chain;
	p->id = 0;
}

/* engine_add_epitaph() - Remember a socket that ends; err may be 0 */
void engine_add_epitaph(struct engine *e, const struct sock *s, int err)
{
	struct epitaph *p = &e->epitaph[e->epitaph_next];
	uint16_t *head = bucket(e, s->id);

	forget(e, p);
	*p = (struct epitaph){
		.id = s->id, .err = err, .domain = s->domain, .protocol = s->protocol,
		.local = s->local, .kept_port = s->bound && !s->autobound, .chain = *head,
		.o = s->o,
	};
	*head = (uint16_t)(p - e->epitaph + 1);
	e->epitaph_next = (e->epitaph_next + 1) % ENGINE_EPITAPHS;
}

static struct epitaph *find(struct engine *e, uint64_t id)
{
	for (unsigned i = id ? *bucket(e, id) : 0; i; i = e->epitaph[i - 1].chain)
		if (e->epitaph[i - 1].id == id)
			return &e->epitaph[i - 1];
	return NULL;
}

/* engine_epitaph() - The errno with which a socket ended, once; 0: none known */
int engine_epitaph(struct engine *e, uint64_t id)
{
	struct epitaph *p = find(e, id);
	int err = p ? p->err : 0;

	if (p)
		p->err = 0;
	return err;
}

/* a socket without connection, for the calls that only look at options */
static void ghost(struct engine *e, const struct epitaph *p, struct tcp_sock *out)
{
	memset(out, 0, sizeof(*out));
	out->s.e = e;
	out->s.ops = &sock_tcp_ops;
	out->s.id = p->id;
	out->s.domain = p->domain;
	out->s.type = SOCK_STREAM;
	out->s.protocol = p->protocol;
	out->s.w.fd = -1;
	out->s.local = p->local;
	out->s.o = p->o;
	out->s.closed = true;
}

/* engine_past_setopt() - setsockopt(2) on a socket that ended; -ESTALE: none known */
int engine_past_setopt(struct engine *e, uint64_t id, int level, int name, const void *val,
		       uint32_t len)
{
	struct epitaph *p = find(e, id);
	struct tcp_sock ts;
	int r;

	if (!p)
		return -ESTALE;
	ghost(e, p, &ts);
	r = sock_setopt(&ts.s, level, name, val, len);
	p->o = ts.s.o;
	return r;
}

/* engine_past_getopt() - getsockopt(2) on a socket that ended; -ESTALE: none known */
int engine_past_getopt(struct engine *e, uint64_t id, int level, int name, void *val,
		       uint32_t *len)
{
	struct epitaph *p = find(e, id);
	struct tcp_sock ts;

	if (!p)
		return -ESTALE;
	ghost(e, p, &ts);
	return sock_getopt(&ts.s, level, name, val, len);
}

/* engine_past_getname() - getsockname(2) of a socket that ended; -ESTALE: none known */
int engine_past_getname(struct engine *e, uint64_t id, struct msg_addr *out)
{
	struct epitaph *p = find(e, id);

	if (!p)
		return -ESTALE;
	endpoint_to_msg(&p->local, p->domain, out);
	return 0;
}

/* epitaph_revive() - A new socket takes up the id of one that ended: its options
 * and the port it was bound to are the old one's, if nobody took that */
void epitaph_revive(struct sock *s)
{
	struct epitaph *p = find(s->e, s->id);

	if (!p)
		return;
	if (p->domain == s->domain && s->type == SOCK_STREAM) {
		s->o = p->o;
		if (p->kept_port)
			(void)ports_bind(&s->e->tcp_ports, s, &p->local, NULL);
	}
	forget(s->e, p);
}
