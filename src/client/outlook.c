/* outlook.c - know before a datagram is written what sending it will tell
 *
 * Theory of operation
 * A write to the pair succeeds whatever becomes of the datagram; Linux tells
 * within the call that there is no route, that a packet is too large, that the
 * last one was refused.  So before the write the stack's board is looked at
 * (proto/board.h), which mostly says that nothing is wrong: that is a look at
 * memory.  Of what it cannot judge the daemon is asked, once: what was found
 * fine is remembered, as a hash of the question and of the board's number, until
 * the board changes.  A collision (2^-48) costs an error that comes late.
 *
 * A pending error is a record in the socket's queue.  The board counts sockets
 * that have been sent one, so the others do not look; a raw socket tells it in recv(2)
 * only.
 *
 * A datagram to a port of the stack's own that nobody has is refused within the
 * call in Linux.  The board tells such ports, and sockets connected to one;
 * after such a write, and only then, the daemon is asked to work it off
 * (MSG_OP_OUTLOOK without a question), so that the error is there.
 *
 * Without a board (no sealed memory, a filter on system calls) errors come with
 * the next call.  Nothing here is more than errors: who is misled by an old
 * board writes the datagram, or asks.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include "client/client.h"
#include "proto/board.h"
#include "proto/dgram.h"

#define HEADERS		48		/* IPv6's and UDP's */
#define LARGE		(65535 - HEADERS)	/* beyond that the family matters */
#define IP4_HLEN	20
#define IP6_HLEN	40
#define SEGMENTS_MAX	128		/* UDP_MAX_SEGMENTS */
#define KNOWN		1024
#define KNOWN_SIZE	0xffffu

/* what was asked: a hash, in whose place's low bits the size stands up to which it is fine */
static _Atomic uint64_t known[KNOWN];
static _Atomic uint32_t epoch;		/* options that decide about routes were changed */
static _Atomic bool muted;

/**
 * outlook_mute() - Ask nothing any more: the program allows only the calls it makes
 */
void outlook_mute(void)
{
	atomic_store_explicit(&muted, true, memory_order_relaxed);
}

/**
 * outlook_forget() - An option was set that may change what was found
 */
void outlook_forget(void)
{
	atomic_fetch_add_explicit(&epoch, 1, memory_order_relaxed);
}

/* the address as the board has it, and its family; BOARD_FAMILIES: of none */
static unsigned address(const union msg_sockaddr *a, uint32_t ip[4])
{
	memset(ip, 0, 16);
	if (a->sa.sa_family == AF_INET) {
		memcpy(ip, &a->in.sin_addr, 4);
		return BOARD_IP4;
	}
	if (a->sa.sa_family != AF_INET6)
		return BOARD_FAMILIES;
	if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
		memcpy(ip, &a->in6.sin6_addr.s6_addr[12], 4);
		return BOARD_IP4;
	}
	memcpy(ip, &a->in6.sin6_addr, 16);
	return BOARD_IP6;
}

/* how many bytes must not be cut; 0: any may be */
static size_t whole(struct tag t, const struct dgram_hdr *h, size_t len)
{
	if (h->flags & DGRAM_F_SEGMENT)
		return len > (size_t)h->info * SEGMENTS_MAX ? LARGE + 1 : h->info + HEADERS;
	return t.opts & TAG_OPT_WHOLE || t.type == SOCK_RAW ? len + HEADERS : 0;
}

/* a raw socket's packet that may lack a part of the header it should bring */
static bool scant(struct tag t, size_t len)
{
	return t.type == SOCK_RAW && len < (t.domain == AF_INET6 ? IP6_HLEN : IP4_HLEN);
}

static enum board_way look(const struct board *b, struct tag t, const struct dgram_hdr *h,
			   size_t len, uint32_t *seq)
{
	struct board_query q = {
		.broadcast = t.opts & TAG_OPT_BROADCAST, .whole = whole(t, h, len),
	};

	*seq = board_read(&b->seq);
	q.family = address(&h->peer, q.to);
	if (q.family == BOARD_FAMILIES || t.opts & TAG_OPT_ROUTED || len > LARGE || scant(t, len))
		return BOARD_ASK;
	if (q.family == BOARD_IP4 && t.domain == AF_INET6 && t.opts & TAG_OPT_V6ONLY)
		return BOARD_ASK;
	if (h->flags & DGRAM_F_LOCAL) {
		q.index = h->ifindex;
		q.from_given = true;
		if (address(&h->local, q.from) != q.family)
			return BOARD_ASK;
	}
	return board_look(b, &q, seq);
}

static uint64_t mix(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (uint64_t w; len; p += sizeof(w), len -= sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		sum = (sum ^ w) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 32;
	}
	return sum;
}

static uint64_t key_of(const struct sockname *sn, struct tag t, const struct dgram_hdr *h,
		       uint32_t seq)
{
	struct {
		uint64_t id;
		uint32_t seq, epoch, to[4], from[4], families, scope, index, opts;
	} k = {
		.id = sn->id, .seq = seq,
		.epoch = atomic_load_explicit(&epoch, memory_order_relaxed),
		.opts = t.opts & TAG_OPT_BROADCAST,
	};

	_Static_assert(sizeof(k) % sizeof(uint64_t) == 0, "mix() takes whole words");
	k.families = address(&h->peer, k.to);
	if (k.families == BOARD_IP6)
		k.scope = h->peer.in6.sin6_scope_id;
	if (h->flags & DGRAM_F_LOCAL) {
		k.families |= address(&h->local, k.from) << 8 | 1 << 16;
		k.index = h->ifindex;
	}
	return mix(0, &k, sizeof(k));
}

static _Atomic uint64_t *place(uint64_t key)
{
	return &known[key >> 54];
}

static void remember(uint64_t key, size_t size)
{
	atomic_store_explicit(place(key), (key & ~(uint64_t)KNOWN_SIZE) | size, memory_order_relaxed);
}

static bool remembered(uint64_t key, size_t size)
{
	uint64_t k = atomic_load_explicit(place(key), memory_order_relaxed);

	return (k ^ key) <= KNOWN_SIZE && (k & KNOWN_SIZE) >= size;
}

static int ask(const struct sockname *sn, const struct msg_outlook *q)
{
	struct msg_verdict v;
	struct conn_req r = {
		.op = MSG_OP_OUTLOOK, .sock = sn->id, .fd = -1, .body = q, .body_len = sizeof(*q),
		.reply = &v, .reply_size = sizeof(v),
	};

	/* that the daemon does not answer, the write will tell */
	return conn_call(sn->path, &r) || r.reply_len != sizeof(v) ? 0 : -v.err;
}

/* the daemon's word on a datagram, or what it said before */
static int judge(const struct board *b, const struct sockname *sn, struct tag t,
		 const struct dgram_hdr *h, size_t len, uint32_t seq)
{
	struct msg_outlook q = {
		.to = h->peer, .local = h->local, .flags = h->flags, .ifindex = h->ifindex,
		.size = (uint32_t)len, .segment = h->info, .judge = 1,
	};
	uint64_t key = key_of(sn, t, h, seq);
	size_t size = whole(t, h, len) > board_read(&b->ways.mtu) ? len : 0;
	bool once = len > LARGE || scant(t, len) || h->flags & DGRAM_F_SEGMENT;
	int ret;

	if (!once && remembered(key, size))
		return 0;
	ret = ask(sn, &q);
	if (!ret && !once)
		remember(key, size);
	return ret;
}

static bool will_be_refused(const struct board *b, const struct sockname *sn, struct tag t,
			    const struct dgram_hdr *h, enum board_way way)
{
	if (board_read(BOARD_AT(b->deaf, sn->id)))
		return true;
	return way == BOARD_SELF && t.opts & (TAG_OPT_RECVERR | TAG_OPT_RECVERR6) &&
	       t.type == SOCK_DGRAM && !(t.opts & TAG_OPT_PING) &&
	       !board_read(BOARD_AT(b->heard, ntohs(h->peer.in.sin_port)));
}

/**
 * outlook_foresee() - What will sending a datagram tell?
 * @t:		the socket's tag
 * @h:		the header it is to have
 * @len:	bytes of payload
 * @settle:	out: outlook_settle() has to follow the write
 *
 * A pending error is taken, if that is what it tells.
 *
 * Return: 0: write it, or -errno
 */
int outlook_foresee(int fd, const struct sockname *sn, struct tag t, const struct dgram_hdr *h,
		    size_t len, bool *settle)
{
	const struct board *b;
	enum board_way way;
	uint32_t seq;
	int err = 0;

	*settle = false;
	if (atomic_load_explicit(&muted, memory_order_relaxed) || !(b = conn_board(sn->path)))
		return 0;
	way = look(b, t, h, len, &seq);
	if (way == BOARD_ASK)
		err = judge(b, sn, t, h, len, seq);
	/* it is in the error queue, too, but this call has told it */
	if (err == -EMSGSIZE && t.opts & (TAG_OPT_RECVERR | TAG_OPT_RECVERR6)) {
		t.opts |= TAG_OPT_ERR_TOLD;
		tag_set(fd, t);
	}
	if (err)
		return err;
	/* not raw sockets: ip_append_data() looks at sk_err only for who has a header of a
	 * transport protocol */
	if (t.type != SOCK_RAW && board_read(BOARD_AT(b->error, sn->id)))
		err = dgram_so_error(fd);
	if (err)
		return -err;
	*settle = will_be_refused(b, sn, t, h, way);
	return 0;
}

/**
 * outlook_settle() - Have what was written sent, and the socket bound to a port
 */
void outlook_settle(const struct sockname *sn)
{
	struct msg_outlook q = { .judge = 0 };

	if (!atomic_load_explicit(&muted, memory_order_relaxed))
		ask(sn, &q);
}

/**
 * outlook_connected() - connect(2) was successful: there is a route to the peer
 */
void outlook_connected(const struct sockname *sn, struct tag t)
{
	const struct board *b = conn_board(sn->path);
	struct dgram_hdr none = { .version = DGRAM_VERSION };

	if (b)
		remember(key_of(sn, t, &none, board_read(&b->seq)), 0);
}
