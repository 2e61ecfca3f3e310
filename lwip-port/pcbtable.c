/* pcbtable.c - O(1) demultiplexing and list keeping for TCP connections
 *
 * Theory of operation
 * lwIP walks singly linked lists of pcbs: for every segment, and again to
 * unlink one.  We keep its lists, which its timers still walk, and beside them
 * a node for each active and TIME_WAIT connection, in ext_args[0]: it knows
 * the predecessor, so unlinking is O(1), and hangs in a hash of the 4-tuple.
 * hooks.h routes TCP_REG and TCP_RMV here and makes tcp_input() ask
 * pcbtable_input_*() instead of walking.
 *
 * The hash is SipHash-1-3 under a random key, so a peer cannot aim at one
 * bucket.  The table doubles when it holds as many as it has buckets; if there
 * is no memory for that, chains get longer.
 *
 * Ownership: a node is made at the first registration and freed by the
 * destroy callback when lwIP frees the pcb; moving to TIME_WAIT keeps it.
 * tcp_slowtmr() unlinks expired pcbs by hand, without TCP_RMV: the destroy
 * callback, called just after, repairs the successor's predecessor.  Bound and
 * listening pcbs get no node (tcp_listen() copies ext_args to another pcb) and
 * are unlinked by walking, as in lwIP.  A pcb in no list is left alone.
 *
 * A connection with nothing to time (no data either way, no keepalive) can be
 * parked: taken off every list, so that lwIP's timers do not walk it, while the
 * hash still finds it.  Whatever gives it something to time wakes it: a
 * segment, tcp_write(), a FIN, any packet sent, an address change (see
 * tcpglue.c and hooks.h), and the engine by port_tcp_wake().  Connections are
 * parked and woken at almost every segment, so neither touches another one:
 * at 100,000 connections each would be a cache miss.
 *
 * With parking, TIME_WAIT connections are in a list of our own too, in the order
 * of their end: lwIP's timer would look at all of them every 50 ms.
 *
 * If malloc() fails for a node, the pcb is linked without one and counted as
 * an orphan; while there are orphans, a look-up that misses walks the list.
 */
#include <stdlib.h>
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "pcbtable.h"
#include "port.h"
#include "port_priv.h"
#include "recovery.h"

#define BUCKETS_MIN	256u

/* lwIP's unit tests put pcbs on the lists with lwIP's own macros, and write the
 * 4-tuple afterwards: built for them, we never trust the hash alone */
#ifdef PCBTABLE_RESCAN
#define HAVE_ORPHANS	true
#else
#define HAVE_ORPHANS	(orphans > 0)
#endif

static struct pcbnode *initial[BUCKETS_MIN];
static struct pcbnode **bucket = initial;
static uint32_t nbucket = BUCKETS_MIN;
static unsigned count, orphans;
static struct siphash_key key;
static struct tcp_pcb *parked;		/* only its address counts: a node's "list" */
static struct tcp_pcb *tw_first, *tw_last;	/* of ours, oldest first */
static struct tcp_pcb *hit;		/* what the look-up of this segment found */
static struct tcp_pcb *hit_tw;

static void node_destroy(u8_t id, void *data);
static const struct tcp_ext_arg_callbacks node_callbacks = { .destroy = node_destroy };

static uint32_t tuple_hash(const ip_addr_t *local, uint16_t lport,
			   const ip_addr_t *remote, uint16_t rport)
{
	struct tuple t;
	size_t len = tuple_fill(&t, local, lport, remote, rport);

	return (uint32_t)siphash13(&key, &t, len);
}

static void hash_add(struct pcbnode *n)
{
	struct pcbnode **b = &bucket[n->hash & (nbucket - 1)];

	n->hnext = *b;
	if (n->hnext)
		n->hnext->hprev = &n->hnext;
	n->hprev = b;
	*b = n;
}

static void hash_del(struct pcbnode *n)
{
	*n->hprev = n->hnext;
	if (n->hnext)
		n->hnext->hprev = n->hprev;
}

static void table_grow(void)
{
	struct pcbnode **old = bucket, *n, *next;
	uint32_t nold = nbucket, i;
	struct pcbnode **new = calloc((size_t)nold * 2, sizeof(*new));

	if (!new)
		return;
	bucket = new;
	nbucket = nold * 2;
	for (i = 0; i < nold; i++) {
		for (n = old[i]; n; n = next) {
			next = n->hnext;
			hash_add(n);
		}
	}
	if (old != initial)
		free(old);
}

static struct pcbnode *node_get(struct tcp_pcb *pcb)
{
	struct pcbnode *n = pcbnode_of(pcb);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->pcb = pcb;
	pcb->ext_args[PCBTABLE_EXT_ARG].data = n;
	pcb->ext_args[PCBTABLE_EXT_ARG].callbacks = &node_callbacks;
	return n;
}

/* put @n's pcb at the head of a list */
static void list_link(struct tcp_pcb **list, struct pcbnode *n)
{
	n->list = list;
	n->prev = NULL;
	n->pcb->next = *list;
	if (*list && pcbnode_of(*list))
		pcbnode_of(*list)->prev = n->pcb;
	*list = n->pcb;
}

/* begin to wait in TIME_WAIT */
static void tw_link(struct pcbnode *n)
{
	n->list = &tw_first;
	n->tw_since = sys_now();
	n->tw_tmr = n->pcb->tmr;
	n->pcb->next = NULL;
	n->prev = tw_last;
	if (tw_last)
		tw_last->next = n->pcb;
	else
		tw_first = n->pcb;
	tw_last = n->pcb;
}

/* @n's pcb is out of its list, its own next still valid: tell the successor */
static void list_unlinked(struct pcbnode *n)
{
	struct tcp_pcb *next = n->pcb->next;

	if (next && pcbnode_of(next))
		pcbnode_of(next)->prev = n->prev;
	n->list = NULL;
}

static void list_unlink(struct pcbnode *n)
{
	if (n->list == &parked) {
		n->list = NULL;
		return;
	}
	if (n->pcb == tw_last)
		tw_last = n->prev;
	if (n->prev)
		n->prev->next = n->pcb->next;
	else
		*n->list = n->pcb->next;
	list_unlinked(n);
	n->pcb->next = NULL;
}

static void node_destroy(u8_t id, void *data)
{
	struct pcbnode *n = data;

	if (n->list) {			/* unlinked by tcp_slowtmr() */
		list_unlinked(n);
		hash_del(n);
		count--;
	}
	recovery_free(n);
	free(n);
}

/* stock TCP_RMV: for lists of bound and listening pcbs, and for orphans */
static bool list_walk_rmv(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
	struct tcp_pcb **pp;

	for (pp = list; *pp; pp = &(*pp)->next) {
		if (*pp != pcb)
			continue;
		*pp = pcb->next;
		if (pcb->next && pcbnode_of(pcb->next))
			pcbnode_of(pcb->next)->prev = pp == list ? NULL :
				(struct tcp_pcb *)((char *)pp - offsetof(struct tcp_pcb, next));
		return true;
	}
	return false;
}

/**
 * pcbtable_init() - Take the key, and ext_args[0]
 *
 * Aborts if another user of tcp_ext_arg_alloc_id() came first.
 */
void pcbtable_init(void)
{
	port_key(&key);
	if (tcp_ext_arg_alloc_id() != PCBTABLE_EXT_ARG) {
		fprintf(stderr, "lwIP: pcbtable: ext_args[0] is taken\n");
		abort();
	}
}

/**
 * pcbtable_active_list() - Head of the list of active connections
 *
 * Return: &tcp_active_pcbs, also where hooks.h hides that name
 */
struct tcp_pcb **pcbtable_active_list(void)
{
	return &tcp_active_pcbs;
}

/**
 * pcbtable_reg() - TCP_REG: put a pcb at the head of a list
 * @list:	the list's head; NULL: the one that fits @pcb's state
 * @pcb:	in no list
 */
void pcbtable_reg(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
	struct pcbnode *n = NULL;

	if (!list)
		list = pcb->state == TIME_WAIT ? &tcp_tw_pcbs : &tcp_active_pcbs;
	if (list == &tcp_active_pcbs || list == &tcp_tw_pcbs) {
		n = node_get(pcb);
		if (n) {
			if (list == &tcp_tw_pcbs)
				recovery_free(n);
			else
				n->began = (uint32_t)port_now_us();
			n->hash = tuple_hash(&pcb->local_ip, pcb->local_port,
					     &pcb->remote_ip, pcb->remote_port);
			hash_add(n);
			if (list == &tcp_tw_pcbs && port_tcp_parking)
				tw_link(n);
			else
				list_link(list, n);
			if (++count > nbucket)
				table_grow();
			return;
		}
		orphans++;
		if (*list && pcbnode_of(*list))
			pcbnode_of(*list)->prev = pcb;
	}
	pcb->next = *list;
	*list = pcb;
}

/**
 * pcbtable_rmv() - TCP_RMV: take a pcb off its list
 * @list:	head of the list it may be in; NULL: active or TIME_WAIT
 * @pcb:	pcb; nothing happens if it is in none
 */
void pcbtable_rmv(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
	struct pcbnode *n = NULL;

	if (list != &tcp_listen_pcbs.pcbs)
		n = pcbnode_of(pcb);
	if (n && n->list) {
		list_unlink(n);
		hash_del(n);
		count--;
	} else if (list == &tcp_bound_pcbs || list == &tcp_listen_pcbs.pcbs) {
		list_walk_rmv(list, pcb);
	} else if (HAVE_ORPHANS && !n && (list_walk_rmv(&tcp_active_pcbs, pcb) ||
					  list_walk_rmv(&tcp_tw_pcbs, pcb))) {
		orphans -= orphans > 0;
	}
	pcb->next = NULL;
}

/**
 * pcbtable_park() - Hide an idle connection from lwIP's timers
 * @pcb:	in the list of active connections; one without a node stays there
 */
void pcbtable_park(struct tcp_pcb *pcb)
{
	struct pcbnode *n = pcbnode_of(pcb);

	if (!n || n->list != &tcp_active_pcbs)
		return;
	/* tcp_listen_closed() would not find it; it matters in SYN_RCVD only */
	pcb->listener = NULL;
	list_unlink(n);
	n->list = &parked;
	tcp_active_pcbs_changed = 1;
}

/**
 * port_tcp_wake() - Have lwIP's timers look at a connection again
 * @pcb:	any but a listening one; nothing happens if it is not parked
 */
void port_tcp_wake(struct tcp_pcb *pcb)
{
	struct pcbnode *n = pcbnode_of(pcb);

	if (!n || n->list != &parked)
		return;
	list_link(&tcp_active_pcbs, n);
	/* a walk of lwIP that is under way starts anew */
	tcp_active_pcbs_changed = 1;
}

/**
 * pcbtable_wake_all() - Have lwIP see every connection
 */
void pcbtable_wake_all(void)
{
	for (uint32_t i = 0; i < nbucket; i++)
		for (const struct pcbnode *n = bucket[i]; n; n = n->hnext)
			port_tcp_wake(n->pcb);
}

/* milliseconds until the first of TIME_WAIT may go */
static uint32_t tw_left(void)
{
	uint32_t waited = sys_now() - pcbnode_of(tw_first)->tw_since;

	return waited < 2 * TCP_MSL ? 2 * TCP_MSL - waited : 0;
}

/**
 * pcbtable_tw_due() - When does pcbtable_tw_expire() have something to do?
 *
 * Return: milliseconds from now; PORT_TCP_NEVER
 */
uint32_t pcbtable_tw_due(void)
{
	return tw_first ? tw_left() : PORT_TCP_NEVER;
}

/**
 * pcbtable_tw_expire() - Free the connections whose TIME_WAIT is over
 */
void pcbtable_tw_expire(void)
{
	while (tw_first && !tw_left()) {
		struct tcp_pcb *pcb = tw_first;
		struct pcbnode *n = pcbnode_of(pcb);

		if (pcb->tmr == n->tw_tmr) {
			tcp_abort(pcb);		/* sends nothing in TIME_WAIT */
		} else {			/* a FIN came again: from then on */
			list_unlink(n);
			tw_link(n);
		}
	}
}

static bool pcb_matches(const struct tcp_pcb *pcb, const ip_addr_t *local, uint16_t lport,
			const ip_addr_t *remote, uint16_t rport)
{
	return pcb->remote_port == rport && pcb->local_port == lport &&
	       ip_addr_cmp(&pcb->remote_ip, remote) && ip_addr_cmp(&pcb->local_ip, local);
}

static bool on_netif(const struct tcp_pcb *pcb, const struct netif *inp)
{
	return !inp || pcb->netif_idx == NETIF_NO_INDEX ||
	       pcb->netif_idx == netif_get_index(inp);
}

/* the slow way, for pcbs whose node could not be had */
static struct tcp_pcb *list_find(struct tcp_pcb *pcb, const ip_addr_t *local, uint16_t lport,
				 const ip_addr_t *remote, uint16_t rport,
				 const struct netif *inp)
{
	for (; pcb; pcb = pcb->next) {
		if (pcb_matches(pcb, local, lport, remote, rport) && on_netif(pcb, inp))
			return pcb;
	}
	return NULL;
}

/* an active connection goes before one in TIME_WAIT */
static struct tcp_pcb *find(const ip_addr_t *local, uint16_t lport,
			    const ip_addr_t *remote, uint16_t rport,
			    const struct netif *inp)
{
	uint32_t h = tuple_hash(local, lport, remote, rport);
	struct tcp_pcb *tw = NULL;
	struct pcbnode *n;

	for (n = bucket[h & (nbucket - 1)]; n; n = n->hnext) {
		if (n->hash != h || !pcb_matches(n->pcb, local, lport, remote, rport) ||
		    !on_netif(n->pcb, inp))
			continue;
		if (n->pcb->state != TIME_WAIT)
			return n->pcb;
		tw = n->pcb;
	}
	if (!tw && HAVE_ORPHANS)
		tw = list_find(tcp_active_pcbs, local, lport, remote, rport, inp);
	if (!tw && HAVE_ORPHANS)
		tw = list_find(tcp_tw_pcbs, local, lport, remote, rport, inp);
	return tw;
}

/**
 * pcbtable_find() - Look a connection up
 * @local, @lport, @remote, @rport: 4-tuple, ports in host order
 *
 * Return: the active connection, else the one in TIME_WAIT, else NULL
 */
struct tcp_pcb *pcbtable_find(const ip_addr_t *local, uint16_t lport,
			      const ip_addr_t *remote, uint16_t rport)
{
	return find(local, lport, remote, rport, NULL);
}

/**
 * pcbtable_count() - How many connections are active or in TIME_WAIT
 */
unsigned pcbtable_count(void)
{
	return count + orphans;
}

/**
 * pcbtable_foreach() - Walk all connections, active, parked and in TIME_WAIT
 * @fn:		Called for each; false ends the walk.  Must not end a connection
 * @arg:	For @fn
 *
 * Orphans (connections without a node, for want of memory) are passed over.
 */
void pcbtable_foreach(pcbtable_visit *fn, void *arg)
{
	for (uint32_t i = 0; i < nbucket; i++)
		for (const struct pcbnode *n = bucket[i]; n; n = n->hnext)
			if (!fn(n->pcb, arg))
				return;
}

/**
 * port_tcp_scan() - Walk all connections with pauses
 * @cursor:	0 to begin with; connections may come and go between the calls
 * @fn:		called for each connection of one bucket; what it returns is not looked at
 * @arg:	for @fn
 *
 * Return: true as long as there is more
 */
bool port_tcp_scan(uint32_t *cursor, pcbtable_visit *fn, void *arg)
{
	for (const struct pcbnode *n = bucket[*cursor & (nbucket - 1)]; n; n = n->hnext)
		fn(n->pcb, arg);
	*cursor = port_scan_next(*cursor, nbucket - 1);
	return *cursor != 0;
}

/* RFC 1122 4.2.2.13: a SYN above what the old connection received opens a new
 * one; lwIP would only acknowledge it and the peer would stall */
static bool tw_reusable(const struct tcp_pcb *pcb, const struct tcp_hdr *hdr)
{
	return (TCPH_FLAGS(hdr) & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN &&
	       TCP_SEQ_GT(hdr->seqno, pcb->rcv_nxt);
}

/**
 * pcbtable_tw_recycle() - May a new connection have the addresses and ports of this one?
 * @pcb:	from pcbtable_find(), with which connect(2) collided
 *
 * As Linux has it by default (net.ipv4.tcp_tw_reuse = 2): when it is over for a
 * second and went over the loopback, where nothing of it can still be on its way.  A
 * client that connects to a service of its own host for each request would
 * otherwise run out of ports.
 *
 * Return: true: it is gone
 */
bool pcbtable_tw_recycle(struct tcp_pcb *pcb)
{
	const struct pcbnode *n = pcbnode_of(pcb);

	if (pcb->state != TIME_WAIT || !n || sys_now() - n->tw_since <= 1000)
		return false;
	if (!ip_addr_isloopback(&pcb->remote_ip) && !ip_addr_cmp(&pcb->local_ip, &pcb->remote_ip))
		return false;
	tcp_abort(pcb);			/* sends nothing in TIME_WAIT */
	return true;
}

/**
 * pcbtable_input_active() - What tcp_input() takes for the list of active pcbs
 * @hdr:	header of the segment at hand, fields in host order already
 *
 * Return: pointer to the one pcb that the segment is for, or to NULL; never
 * one that tcp_input() would pass over, as it would go on to its successor
 */
struct tcp_pcb **pcbtable_input_active(const struct tcp_hdr *hdr)
{
	hit_tw = NULL;
	hit = find(ip_current_dest_addr(), hdr->dest, ip_current_src_addr(), hdr->src,
		   ip_data.current_input_netif);
	if (hit && hit->state == TIME_WAIT) {
		hit_tw = hit;
		hit = NULL;
		if (tw_reusable(hit_tw, hdr)) {
			tcp_abort(hit_tw);	/* sends nothing in TIME_WAIT */
			hit_tw = NULL;
		}
	}
	if (hit)
		port_tcp_wake(hit);
	return &hit;
}

/**
 * pcbtable_input_tw() - What tcp_input() takes for the list of TIME_WAIT pcbs
 * @hdr:	as for pcbtable_input_active(), which was called just before
 *
 * Return: pointer to the pcb, or to NULL
 */
struct tcp_pcb **pcbtable_input_tw(const struct tcp_hdr *hdr)
{
	return &hit_tw;
}
