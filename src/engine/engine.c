/* engine.c - one lwIP instance: start, the turn of the loop, end
 *
 * Theory of operation
 * Everything happens in the loop's thread.  A wake-up dispatches the
 * descriptors' events: frames go into lwIP, applications' events and lwIP's
 * callbacks mark connections dirty.  Before the loop sleeps, turn() lets the
 * loop netif deliver, moves the bytes of dirty connections, and sets the
 * timers: lwIP's own time-outs exactly, and the TCP tick only while some
 * connection exists.
 */
#include "engine/priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "engine/autoconf.h"
#include "engine/board.h"
#include "engine/bufpool.h"
#include "engine/icmp.h"
#include "engine/iface_priv.h"
#include "engine/names.h"
#include "engine/rtnl.h"
#include "engine/sock_dgram.h"
#include "engine/tcp.h"
#include "link/link.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"
#include "port.h"

#define NS_PER_MS	1000000ull
#define TRIM_NS	(1000 * NS_PER_MS)	/* between looks at what buffers are spare */
#define OPEN_MS	5	/* a new link may keep the others waiting, once the stack runs */
#define TURNS_MAX	64	/* deliveries over lo before others get their turn */

static bool loop_pending(void)
{
	struct netif *n;

	NETIF_FOREACH(n)
		if (n->loop_first)
			return true;
	return false;
}

/* also an armed one, which may wait for the end of a TIME_WAIT only */
static void arm_tcp_timer(struct engine *e)
{
	uint32_t ms = port_tcp_due();
	uint64_t at = loop_now(e->loop) + ms * NS_PER_MS;

	if (ms != PORT_TCP_NEVER && (!e->tcp_timer.loop || at < e->tcp_timer.at))
		loop_timer_set(e->loop, &e->tcp_timer, at);
}

static void arm_timers(struct engine *e)
{
	u32_t ms = sys_timeouts_sleeptime();

	if (loop_pending() || e->dirty)
		loop_timer_in(e->loop, &e->lwip_timer, 0);
	else if (ms != SYS_TIMEOUTS_SLEEPTIME_INFINITE)
		loop_timer_in(e->loop, &e->lwip_timer, ms * NS_PER_MS);
	arm_tcp_timer(e);
}

/* engine_deliver_loopback() - Let what was sent to the stack itself arrive, and what
 * that is answered with */
void engine_deliver_loopback(void)
{
	for (int i = 0; i < TURNS_MAX && loop_pending(); i++)
		netif_poll_all();
}

static void turn(struct loop_prepare *p)
{
	struct engine *e = container_of(p, struct engine, prepare);

	for (int i = 0; i < TURNS_MAX; i++) {
		xfer_run_all(e);
		if (!loop_pending())
			break;
		netif_poll_all();
	}
	board_settle(e);
	arm_timers(e);
	port_clock_step();
}

static void on_lwip_timer(struct loop_timer *t)
{
	struct engine *e = container_of(t, struct engine, lwip_timer);
	uint64_t now = loop_now(e->loop);

	sys_check_timeouts();
	/* this timer also stands for packets that wait on lo: not at each of them */
	if (now - e->trimmed >= TRIM_NS) {
		e->trimmed = now;
		bufpool_trim();
		iface_count_lo(e);
		dgram_look_at_erred(e);
	}
}

static void on_tcp_timer(struct loop_timer *t)
{
	port_tcp_tick();
}

#ifndef PORT_ASSERT_ABORT
static void on_assert(const char *msg, const char *file, int line)
{
	log_limited(LOG_ERR, "lwIP: \"%s\" does not hold at %s:%d; the connection is reset",
		    msg, file, line);
}
#endif

static void set_port_range(struct engine *e, uint16_t min, uint16_t max)
{
	struct portset *all[] = { &e->tcp_ports, &e->udp_ports, &e->udplite_ports, &e->ping_ports };

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		all[i]->min = min;
		all[i]->max = max;
	}
}

/* engine_new() - Start lwIP with lo up; NULL with errno */
struct engine *engine_new(struct loop *loop, const char *path)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->loop = loop;
	e->started = loop_now(loop);
	set_port_range(e, CONFIG_PORT_MIN, CONFIG_PORT_MAX);
	e->path = strdup(path);
	e->scratch = malloc(ENGINE_SCRATCH);
	if (!e->path || !e->scratch || board_open(e) < 0)
		goto fail;
	port_init();
#ifndef PORT_ASSERT_ABORT	/* sanitizer builds stop there */
	port_on_assert(on_assert);
#endif
	port_tcp_parking = true;
	port_on_input(xfer_on_input);
	iface_addr6_init();
	port_on_ra(ra_input);
	port_on_mss(tcp_sock_mss);
	if (iface_add_lo(e) < 0 || rtnl_init(e) < 0 || dgram_init(e) < 0)
		goto fail;
	board_changed(e);
	e->lwip_timer.cb = on_lwip_timer;
	e->tcp_timer.cb = on_tcp_timer;
	loop_prepare_add(loop, &e->prepare, turn);
	return e;
fail:
	engine_free(e);
	errno = ENOMEM;
	return NULL;
}

/* what DHCP servers are told that we are called: the configuration says it, or the
 * stack has a name that may stand in a DNS */
static void name_stack(struct engine *e, const struct config *c)
{
	const char *slash = strrchr(e->path, '/');
	const char *name = c->fqdn ? c->fqdn : c->name ? c->name : slash ? slash + 1 : e->path;
	uint8_t wire[sizeof(e->host) + 1];

	if (domains_put_wire(name, wire, sizeof(wire)))
		snprintf(e->host, sizeof(e->host), "%s", name);
}

/* engine_configure() - Bring up every configured interface; 0 or -errno */
int engine_configure(struct engine *e, const struct config *c, char *err, size_t errlen)
{
	e->forward = e->forward_all = (uint8_t)((c->forward & CONFIG_FORWARD4 ? PORT_FORWARD4 : 0) |
						(c->forward & CONFIG_FORWARD6 ? PORT_FORWARD6 : 0));
	set_port_range(e, c->port_min, c->port_max);
	name_stack(e, c);
	for (unsigned i = 0; i < c->niface; i++) {
		int r = iface_add(e, &c->iface[i], err, errlen);

		if (r < 0)
			return r;
	}
	names_configure(e, c);
	link_set_patience(OPEN_MS);
	return 0;
}

/* engine_free() - Reset what is connected, close links and descriptors */
void engine_free(struct engine *e)
{
	if (!e)
		return;
	e->stopping = true;		/* engine_socket() refuses from now on */
	while (e->all)
		sock_close(e->all);
	if (e->prepare.cb) {
		loop_once(e->loop, 0);	/* deferred frees */
		loop_prepare_del(e->loop, &e->prepare);
	}
	engine_deliver_loopback();
	dgram_exit(e);
	rtnl_init(NULL);
	iface_free_all(e);
	port_on_ra(NULL);
	autoconf_exit(e);
	bufpool_drain();
	board_close(e);
	loop_timer_del(&e->lwip_timer);
	loop_timer_del(&e->tcp_timer);
	free(e->socks);
	free(e->scratch);
	free(e->linear);
	free(e->path);
	free(e);
}

/* engine_linear() - ENGINE_SCRATCH bytes that hold a packet until the next call;
 * NULL: no memory */
uint8_t *engine_linear(struct engine *e)
{
	if (!e->linear)
		e->linear = malloc(ENGINE_SCRATCH);
	return e->linear;
}

/* engine_nsock() - How many sockets there are */
unsigned engine_nsock(const struct engine *e)
{
	return e->nsock;
}

/* engine_info() - Figures for `ustack ls`; nsession is the daemon's to fill */
void engine_info(const struct engine *e, struct msg_info *info)
{
	memset(info, 0, sizeof(*info));
	info->pid = (int32_t)getpid();
	for (struct msg_ifinfo unused; engine_ifinfo(e, info->nif, &unused);)
		info->nif++;
	info->nsock_stream = e->nstream;
	info->nsock_dgram = e->ndgram;
	info->nsock_raw = e->nraw;
	info->uptime_ns = loop_now(e->loop) - e->started;
}
