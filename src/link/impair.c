/* impair.c - a link that loses, delays, reorders and repeats frames
 *
 * Theory of operation
 * "impair{delay=10ms,loss=1%}SPEC" wraps the link SPEC, in both directions
 * alike, so that tests have a bad network where the kernel has no netem:
 *   delay=TIME jitter=TIME	each frame is late by delay, +- jitter
 *   loss=P dup=P reorder=P	a share of the frames; reordered ones skip the delay
 *   rate=BITS queue=TIME	a bottleneck, and how long a frame may wait for it
 *				(50ms) before it is dropped
 *   seed=N			of the random numbers: the same ones each time
 * TIME is a number with us, ms or s; P one with %; BITS one with kbit, mbit or
 * gbit.
 *
 * Each direction has a heap of frames by the time they are due, of at most
 * QUEUE_FRAMES frames and QUEUE_BYTES bytes; what comes beyond that is lost.
 * What polls readable is an epoll descriptor over the inner link's and a
 * timer's; recv() moves both directions.  With a link that offloads, a frame
 * of 64 KB is one frame: wrap "tap:NAME/novnet" to impair packets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "link/kind.h"

#define QUEUE_FRAMES	16384u
#define QUEUE_BYTES	(64u << 20)
#define QUEUE_NS	50000000ull	/* default of queue= */
#define BURST		32

struct frame {
	uint64_t due, serial;		/* of one time, the first one first */
	size_t len;
	struct virtio_net_hdr vnet;
	uint8_t data[];
};

struct lane {
	struct frame **heap;
	unsigned n, size;
	size_t bytes;
	uint64_t busy;			/* the bottleneck is, until this time */
};

struct impair {
	struct link l;
	struct link *inner;
	int timer;
	uint64_t delay, jitter, queue, rate;	/* ns; bits a second, 0: no limit */
	double loss, dup, reorder;
	uint64_t seed, serial;
	struct lane rx, tx;
	struct link_buf buf[BURST];
};

static struct impair *impair_of(struct link *l)
{
	return container_of(l, struct impair, l);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* splitmix64; in [0, 1) */
static double chance(struct impair *m)
{
	uint64_t z = m->seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static bool earlier(const struct frame *a, const struct frame *b)
{
	return a->due != b->due ? a->due < b->due : a->serial < b->serial;
}

static void heap_swap(struct lane *q, unsigned i, unsigned j)
{
	struct frame *f = q->heap[i];

	q->heap[i] = q->heap[j];
	q->heap[j] = f;
}

static bool lane_put(struct lane *q, struct frame *f)
{
	unsigned i;

	if (q->n == q->size) {
		unsigned size = q->size ? q->size * 2 : 64;
		struct frame **h = realloc(q->heap, size * sizeof(struct frame *));

		if (!h)
			return false;
		q->heap = h;
		q->size = size;
	}
	q->heap[q->n] = f;
	for (i = q->n++; i && earlier(q->heap[i], q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap_swap(q, i, (i - 1) / 2);
	q->bytes += f->len;
	return true;
}

static struct frame *lane_take(struct lane *q)
{
	struct frame *f = q->heap[0];
	unsigned i = 0, c;

	q->heap[0] = q->heap[--q->n];
	while ((c = 2 * i + 1) < q->n) {
		if (c + 1 < q->n && earlier(q->heap[c + 1], q->heap[c]))
			c++;
		if (!earlier(q->heap[c], q->heap[i]))
			break;
		heap_swap(q, i, c);
		i = c;
	}
	q->bytes -= f->len;
	return f;
}

static bool is_due(const struct lane *q, uint64_t now)
{
	return q->n && q->heap[0]->due <= now;
}

/* when a frame of @len gets to the other side; 0: never */
static uint64_t due_time(struct impair *m, struct lane *q, size_t len, uint64_t now)
{
	uint64_t start = q->busy > now ? q->busy : now, jitter;

	if (chance(m) < m->loss || q->n >= QUEUE_FRAMES || q->bytes + len > QUEUE_BYTES)
		return 0;
	if (m->rate) {
		if (start - now > m->queue)
			return 0;
		q->busy = start += len * 8 * 1000000000 / m->rate;
	}
	if (chance(m) < m->reorder)
		return start;
	jitter = (uint64_t)(chance(m) * 2 * (double)m->jitter);
	return start + m->delay + jitter > m->jitter ? start + m->delay + jitter - m->jitter : start;
}

static void enqueue(struct impair *m, struct lane *q, const struct iovec *iov, int cnt,
		    const struct virtio_net_hdr *vnet, uint64_t now)
{
	size_t len = link_iov_len(iov, cnt), at = 0;
	uint64_t due = due_time(m, q, len, now);
	struct frame *f = due ? malloc(sizeof(*f) + len) : NULL;

	if (!f)
		return;
	f->due = due;
	f->serial = m->serial++;
	f->len = len;
	memset(&f->vnet, 0, sizeof(f->vnet));
	if (vnet)
		f->vnet = *vnet;
	for (int i = 0; i < cnt; i++) {
		memcpy(f->data + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	if (!lane_put(q, f))
		free(f);
}

static void accept_frame(struct impair *m, struct lane *q, const struct iovec *iov, int cnt,
			 const struct virtio_net_hdr *vnet)
{
	uint64_t now = now_ns();

	enqueue(m, q, iov, cnt, vnet, now);
	if (chance(m) < m->dup)
		enqueue(m, q, iov, cnt, vnet, now);
}

/* wake up when the next frame of either direction is due */
static void set_alarm(struct impair *m)
{
	struct itimerspec its = { 0 };
	uint64_t at = UINT64_MAX;

	if (m->rx.n)
		at = m->rx.heap[0]->due;
	if (m->tx.n && m->tx.heap[0]->due < at)
		at = m->tx.heap[0]->due;
	if (at != UINT64_MAX) {
		its.it_value.tv_sec = (time_t)(at / 1000000000);
		its.it_value.tv_nsec = (long)(at % 1000000000);
	}
	timerfd_settime(m->timer, TFD_TIMER_ABSTIME, &its, NULL);
}

static int send_due(struct impair *m, uint64_t now)
{
	while (is_due(&m->tx, now)) {
		struct frame *f = lane_take(&m->tx);
		struct iovec v = { f->data, f->len };
		int r = link_send(m->inner, &v, 1, m->l.caps & LINK_CAP_VNET ? &f->vnet : NULL);

		free(f);
		if (r == -ENETDOWN)
			return r;
	}
	return 0;
}

/* the inner link has another descriptor, another carrier, or takes other frames */
static void inner_changed(struct impair *m)
{
	struct epoll_event ev = { .events = EPOLLIN };

	m->inner->changed = false;
	epoll_ctl(m->l.fd, EPOLL_CTL_ADD, m->inner->fd, &ev);	/* EEXIST: the same one */
	m->l.no_peer = m->inner->no_peer;
	m->l.caps = m->inner->caps;
	m->l.changed = true;
}

static int impair_set_up(struct link *l, bool up)
{
	struct link *in = impair_of(l)->inner;

	/* an end that is full hears of it when it is read next */
	if (in->ops->set_up)
		in->ops->set_up(in, up);
	return 0;
}

static int read_inner(struct impair *m)
{
	int n = link_recv(m->inner, m->buf, BURST);

	if (m->inner->changed)
		inner_changed(m);
	for (int i = 0; i < n; i++) {
		struct iovec v = { m->buf[i].data, m->buf[i].len };

		accept_frame(m, &m->rx, &v, 1, &m->buf[i].vnet);
	}
	return n;
}

static int impair_recv(struct link *l, struct link_buf *b, int n)
{
	struct impair *m = impair_of(l);
	uint64_t now = now_ns();
	int got = 0, r = read_inner(m), s = send_due(m, now);

	while (got < n && is_due(&m->rx, now)) {
		struct frame *f = lane_take(&m->rx);

		memcpy(b[got].data, f->data, f->len < b[got].size ? f->len : b[got].size);
		b[got].vnet = f->vnet;
		if (link_took(l, &b[got], f->len))
			got++;
		free(f);
	}
	set_alarm(m);
	if (got)
		return got;
	return r < 0 ? r : s;
}

static int impair_send(struct link *l, const struct iovec *iov, int cnt,
		       const struct virtio_net_hdr *vnet)
{
	struct impair *m = impair_of(l);
	size_t len = link_iov_len(iov, cnt);
	int r;

	if (len > LINK_FRAME_MAX)
		return link_drop(l, -EMSGSIZE);
	accept_frame(m, &m->tx, iov, cnt, vnet);
	r = send_due(m, now_ns());
	set_alarm(m);
	return r < 0 ? r : link_sent(l, len);
}

static void lane_free(struct lane *q)
{
	for (unsigned i = 0; i < q->n; i++)
		free(q->heap[i]);
	free(q->heap);
}

static void impair_close(struct link *l)
{
	struct impair *m = impair_of(l);

	lane_free(&m->rx);
	lane_free(&m->tx);
	for (int i = 0; i < BURST; i++)
		free(m->buf[i].data);
	link_close(m->inner);
	if (m->timer >= 0)
		close(m->timer);
	if (l->fd >= 0)
		close(l->fd);
	free(m);
}

static const struct link_ops impair_ops = {
	.kind = "impair", .recv = impair_recv, .send = impair_send, .close = impair_close,
	.set_up = impair_set_up,
};

/* ---- specification ---- */

struct unit {
	const char *name;
	double factor;
};

static const struct unit times[] = { { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { NULL, 0 } };
static const struct unit shares[] = { { "%", 0.01 }, { NULL, 0 } };
static const struct unit rates[] = { { "kbit", 1e3 }, { "mbit", 1e6 }, { "gbit", 1e9 }, { NULL, 0 } };
static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };

static bool parse_value(const char *s, const struct unit *u, double most, double *out)
{
	char *end;
	double v;

	if (*s < '0' || *s > '9')
		return false;
	v = strtod(s, &end);
	while (u->name && strcmp(end, u->name))
		u++;
	*out = v * u->factor;
	return u->name && *out <= most;
}

/* "KEY=VALUE" */
static bool set_key(struct impair *m, char *kv)
{
	const struct {
		const char *key;
		const struct unit *units;
		double most;
		uint64_t *whole;
		double *share;
	} keys[] = {
		{ "delay", times, 60e9, &m->delay, NULL },
		{ "jitter", times, 60e9, &m->jitter, NULL },
		{ "queue", times, 60e9, &m->queue, NULL },
		{ "rate", rates, 1e12, &m->rate, NULL },
		{ "seed", plain, 1e15, &m->seed, NULL },
		{ "loss", shares, 1, NULL, &m->loss },
		{ "dup", shares, 1, NULL, &m->dup },
		{ "reorder", shares, 1, NULL, &m->reorder },
	};
	char *value = strchr(kv, '=');
	double v;

	if (!value)
		return false;
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (strcmp(kv, keys[i].key))
			continue;
		if (!parse_value(value, keys[i].units, keys[i].most, &v)) {
			value[-1] = '=';
			return false;
		}
		if (keys[i].whole)
			*keys[i].whole = (uint64_t)v;
		else
			*keys[i].share = v;
		return true;
	}
	value[-1] = '=';
	return false;
}

static int parse(struct impair *m, const char *arg, size_t len, char *err, size_t errlen)
{
	char *list = strndup(arg, len), *save = NULL;
	int rc = list ? 0 : -ENOMEM;

	for (char *kv = list ? strtok_r(list, ",", &save) : NULL; kv; kv = strtok_r(NULL, ",", &save)) {
		if (set_key(m, kv))
			continue;
		rc = link_fail(-EINVAL, err, errlen,
			"link \"impair{%s\": cannot use \"%s\" (use delay=, jitter=, queue= with us, ms or s; "
			"loss=, dup=, reorder= with %%; rate= with kbit, mbit or gbit; seed=)", arg, kv);
		break;
	}
	free(list);
	return rc;
}

static int watch_inner(struct impair *m)
{
	struct epoll_event ev = { .events = EPOLLIN };

	for (int i = 0; i < BURST; i++) {
		m->buf[i].size = LINK_FRAME_MAX;
		m->buf[i].data = malloc(LINK_FRAME_MAX);
		if (!m->buf[i].data)
			return -ENOMEM;
	}
	m->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	m->l.fd = epoll_create1(EPOLL_CLOEXEC);
	if (m->timer < 0 || m->l.fd < 0 ||
	    epoll_ctl(m->l.fd, EPOLL_CTL_ADD, m->inner->fd, &ev) < 0 ||
	    epoll_ctl(m->l.fd, EPOLL_CTL_ADD, m->timer, &ev) < 0)
		return -errno;
	return 0;
}

/**
 * impair_open() - Open "impair{KEY=VALUE,...}SPEC"
 * @arg:	what follows the first brace
 * @out, @err, @errlen: as for link_open()
 *
 * Return: 0 or -errno
 */
int impair_open(const char *arg, struct link **out, char *err, size_t errlen)
{
	const char *end = strchr(arg, '}');
	struct impair *m;
	int rc;

	if (!end)
		return link_fail(-EINVAL, err, errlen,
			"link \"impair{%s\": no closing brace (use impair{KEY=VALUE,...}LINK)", arg);
	m = calloc(1, sizeof(*m));
	if (!m)
		return link_fail(-ENOMEM, err, errlen, "link \"impair{%s\": out of memory", arg);
	m->l.ops = &impair_ops;
	m->l.fd = m->timer = -1;
	m->queue = QUEUE_NS;
	rc = parse(m, arg, (size_t)(end - arg), err, errlen);
	if (!rc)
		rc = link_open(end + 1, &m->inner, err, errlen);
	if (!rc) {
		m->l.caps = m->inner->caps;
		m->l.mtu = m->inner->mtu;
		m->l.no_peer = m->inner->no_peer;
		memcpy(m->l.mac, m->inner->mac, sizeof(m->l.mac));
		memcpy(m->l.name, m->inner->name, sizeof(m->l.name));
		rc = watch_inner(m);
		if (rc)
			link_fail(rc, err, errlen, "link \"impair{%s\": cannot watch the inner link: %s",
				  arg, strerror(-rc));
	}
	if (rc)
		impair_close(&m->l);
	else
		*out = &m->l;
	return rc;
}
