/* session.h - control connections of the stack's clients
 *
 * session.c moves messages, request.c carries them out.
 */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include "base/loop.h"
#include "engine/engine.h"
#include "proto/msg.h"

#define SESSIONS_MAX	8192	/* control connections at a time */
#define SESSION_BURST	64	/* messages of one session per wake-up */

struct session;

struct server {
	struct loop *loop;
	struct engine *engine;
	struct session *sessions;
	unsigned nsession;
	unsigned max_sessions;		/* SESSIONS_MAX, less if descriptors are few */
	bool on_demand;
	bool shared;			/* others than our user may use the stack */
	bool stopping;
	void (*on_stop)(void *arg);	/* or NULL: called once, before anybody is told */
	void *on_stop_arg;
	struct loop_fd listener;
	struct loop_timer retry;	/* accept again after a lack of descriptors */
	struct loop_timer idle;		/* on-demand: nobody there? */
};

void server_init(struct server *srv, struct loop *loop, struct engine *engine,
		 bool on_demand);
void server_ready(struct server *srv);
int server_listen(struct server *srv, int fd);
int server_attach(struct server *srv, int fd, bool owner);
int server_user(const struct server *srv, unsigned i);
void server_stop(struct server *srv);
void server_fini(struct server *srv);

/* request.c */
enum {
	REQUEST_NO_SOCK = 1,	/* the socket is unknown: try again after draining */
};
/* @trusted: the client is the stack's user or root */
int request_handle(struct server *srv, struct msg *m, int fd, bool trusted, bool last);

/* users.c */
bool users_any(struct server *srv);
void users_list(struct server *srv, struct msg *m);

#endif
