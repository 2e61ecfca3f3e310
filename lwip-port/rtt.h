/* rtt.h - round trips, and how long to wait for an ACK (RFC 6298)
 *
 * As Linux: the variance counts for at least RTO_MIN, so that a peer that
 * delays its ACKs by 200 ms is waited for however even the path is.
 */
#ifndef LWIP_PORT_RTT_H
#define LWIP_PORT_RTT_H

#include <stdint.h>

#define RTO_MIN_US	200000u
#define RTO_MAX_US	120000000u
#define RTO_INIT_US	1000000u

struct rtt {
	uint32_t srtt, var, min;	/* microseconds; srtt 0: none measured */
};

/* a packet sent once took @us to be answered */
static inline void rtt_sample(struct rtt *t, uint32_t us)
{
	uint32_t diff;

	if (us == 0)
		us = 1;
	if (!t->srtt) {
		t->srtt = t->min = us;
		t->var = us / 2;
		return;
	}
	if (us < t->min)
		t->min = us;
	diff = us > t->srtt ? us - t->srtt : t->srtt - us;
	t->var = (uint32_t)((3 * (uint64_t)t->var + diff) / 4);
	t->srtt = (uint32_t)((7 * (uint64_t)t->srtt + us) / 8);
}

/* the time-out after @backoff others in a row */
static inline uint32_t rtt_rto(const struct rtt *t, unsigned backoff)
{
	uint64_t us = RTO_INIT_US;

	if (t->srtt)
		us = t->srtt + (4 * (uint64_t)t->var < RTO_MIN_US ? RTO_MIN_US : 4 * (uint64_t)t->var);
	us <<= backoff < 16 ? backoff : 16;
	return us < RTO_MAX_US ? (uint32_t)us : RTO_MAX_US;
}

#endif
