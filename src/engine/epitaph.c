/* epitaph.c - what is remembered of sockets that ended by failure
 *
 * Theory of operation
 * A stream socket learns of failure by the end of its pair, so the engine has
 * no socket any more while the application still holds a descriptor.  What the
 * kernel would go on answering is kept here: the errno, until it was asked for;
 * the local address; the options, which may be read and set, and which the
 * next attempt to connect starts from (a fresh pair under the same id).
 * There are ENGINE_EPITAPHS; the oldest makes room.
 */
#include <errno.h>
#include <string.h>
#include "engine/iface.h"
#include "engine/priv.h"
#include "engine/tcp.h"

/* engine_add_epitaph() - Remember a socket that ends; err may be 0 */
void engine_add_epitaph(struct engine *e, const struct sock *s, int err)
{
	e->epitaph[e->epitaph_next] = (struct epitaph){
		.id = s->id, .err = err, .domain = s->domain, .protocol = s->protocol,
		.local = s->local, .kept_port = s->bound && !s->autobound, .o = s->o,
	};
	e->epitaph_next = (e->epitaph_next + 1) % ENGINE_EPITAPHS;
}

static struct epitaph *find(struct engine *e, uint64_t id)
{
	for (unsigned i = 0; id && i < ENGINE_EPITAPHS; i++)
		if (e->epitaph[i].id == id)
			return &e->epitaph[i];
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
	p->id = 0;
}
