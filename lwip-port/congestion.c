/* congestion.c - how large the congestion window is
 *
 * Theory of operation
 * Slow start doubles the window each round trip (RFC 5681 with RFC 3465's
 * counting of bytes).  HyStart++ (RFC 9406) ends it when round trips grow:
 * a queue builds, and a few rounds of slower growth tell whether for good.
 * Then Reno adds a segment each round trip, CUBIC follows a cubic of the time
 * since the last loss, with Reno's growth as a floor.  The window is in bytes,
 * CUBIC's figures are in segments and seconds so that they read as in its RFC.
 * The caller tells of ACKs only while the window limits what is sent (RFC
 * 7661's concern), and what the window is while losses are being repaired is
 * recovery.c's.
 */
#include <math.h>
#include <string.h>
#include "congestion.h"

#define CUBIC_C		0.4
#define CUBIC_BETA	0.7
#define CUBIC_ALPHA	(3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA))
#define HYSTART_SAMPLES	8		/* RFC 9406 4.3 */
#define HYSTART_MIN	4000u		/* microseconds */
#define HYSTART_MAX	16000u
#define CSS_GROWTH	4
#define CSS_ROUNDS	5

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/**
 * cc_start() - A connection begins to send
 * @c:		out
 * @kind:	algorithm
 * @mss:	data bytes in a full packet
 * @cwnd, @ssthresh: bytes
 */
void cc_start(struct cc *c, enum cc_kind kind, uint32_t mss, uint32_t cwnd, uint32_t ssthresh)
{
	memset(c, 0, sizeof(*c));
	c->kind = kind;
	c->mss = mss;
	c->cwnd = cwnd;
	c->ssthresh = ssthresh;
	c->round_min = c->last_min = UINT32_MAX;
}

static void grow(struct cc *c, double bytes)
{
	uint32_t whole;

	c->frac += bytes;
	whole = (uint32_t)c->frac;
	c->frac -= whole;
	c->cwnd = whole > CC_CWND_MAX - c->cwnd ? CC_CWND_MAX : c->cwnd + whole;
}

/* RFC 9438 4.2: the cubic begins anew at the present window */
static void epoch_start(struct cc *c, uint64_t now)
{
	double w = (double)c->cwnd / c->mss;

	c->epoch = now;
	if (c->w_max <= w) {
		c->k = 0;
		c->w_max = w;
	} else {
		c->k = cbrt((c->w_max - w) / CUBIC_C);
	}
	c->w_est = w;
	if (c->w_prior < w)
		c->w_prior = w;
}

static void cubic_acked(struct cc *c, uint32_t bytes, uint64_t now, uint32_t rtt)
{
	double w = (double)c->cwnd / c->mss, acked = (double)bytes / c->mss, t, target;

	if (!c->epoch)
		epoch_start(c, now);
	t = (double)(now - c->epoch + rtt) / 1e6 - c->k;
	target = CUBIC_C * t * t * t + c->w_max;
	if (target < w)
		target = w;
	if (target > 1.5 * w)
		target = 1.5 * w;
	/* RFC 9438 4.3: as Reno would with this factor of decrease */
	c->w_est += (c->w_est < c->w_prior ? CUBIC_ALPHA : 1) * acked / w;
	if (c->w_est > w + (target - w) * acked / w)
		grow(c, (c->w_est - w) * c->mss);
	else
		grow(c, (target - w) * acked / w * c->mss);
}

/**
 * cc_acked() - The window was used, and the peer acknowledged
 * @c:		state
 * @bytes:	acknowledged
 * @now:	microseconds
 * @rtt:	smoothed round trip, microseconds
 */
void cc_acked(struct cc *c, uint32_t bytes, uint64_t now, uint32_t rtt)
{
	if (c->cwnd < c->ssthresh) {
		uint32_t step = c->css ? bytes / CSS_GROWTH : bytes;
		uint32_t left = c->ssthresh - c->cwnd;

		grow(c, step < left ? step : left);
	} else if (c->kind == CC_RENO) {
		grow(c, (double)c->mss * bytes / c->cwnd);
	} else {
		cubic_acked(c, bytes, now, rtt);
	}
}

static void round_start(struct cc *c, uint32_t high)
{
	c->round_end = high;
	c->last_min = c->round_min;
	c->round_min = UINT32_MAX;
	c->samples = 0;
	if (c->css && ++c->css_rounds > CSS_ROUNDS)
		c->ssthresh = c->cwnd;
}

/**
 * cc_rtt() - A round trip was measured
 * @c:		state
 * @rtt:	microseconds
 * @una, @high:	first unacknowledged byte, and the one behind the last sent
 */
void cc_rtt(struct cc *c, uint32_t rtt, uint32_t una, uint32_t high)
{
	uint32_t eta;

	if (c->cwnd >= c->ssthresh)
		return;
	if (!before(una, c->round_end))
		round_start(c, high);
	if (rtt < c->round_min)
		c->round_min = rtt;
	if (++c->samples < HYSTART_SAMPLES || c->last_min == UINT32_MAX)
		return;
	if (c->css) {
		if (c->round_min < c->css_base)
			c->css = false;		/* it was noise */
		return;
	}
	eta = c->last_min / 8;
	if (eta < HYSTART_MIN)
		eta = HYSTART_MIN;
	if (eta > HYSTART_MAX)
		eta = HYSTART_MAX;
	if (c->round_min >= c->last_min + eta) {
		c->css = true;
		c->css_base = c->round_min;
		c->css_rounds = 0;
	}
}

/**
 * cc_lost() - A packet was lost: take the window down, once a round trip
 * @c:		state; ssthresh is the window to come to, cwnd is left as it is
 */
void cc_lost(struct cc *c)
{
	double w = (double)c->cwnd / c->mss;
	double beta = c->kind == CC_CUBIC ? CUBIC_BETA : 0.5;

	/* RFC 9438 4.7: fast convergence */
	c->w_max = w < c->w_max ? w * (1 + CUBIC_BETA) / 2 : w;
	c->w_prior = w;
	c->epoch = 0;
	c->frac = 0;
	c->css = false;
	c->ssthresh = (uint32_t)(c->cwnd * beta);
	if (c->ssthresh < 2 * c->mss)
		c->ssthresh = 2 * c->mss;
}

/**
 * cc_timeout() - Nothing came back: begin anew with one segment
 * @c:		state
 */
void cc_timeout(struct cc *c)
{
	cc_lost(c);
	c->cwnd = c->mss;
}
