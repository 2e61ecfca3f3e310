/* congestion.h - the congestion window: CUBIC (RFC 9438) and Reno (RFC 5681) */
#ifndef LWIP_PORT_CONGESTION_H
#define LWIP_PORT_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

enum cc_kind { CC_CUBIC, CC_RENO };

#define CC_CWND_MAX	(64u << 20)

struct cc {
	enum cc_kind kind;
	uint32_t mss;
	uint32_t cwnd, ssthresh;	/* bytes */
	double frac;			/* bytes the window has grown by, below one */
	/* CUBIC: segments and seconds, as in RFC 9438 */
	double w_max, w_est, w_prior, k;
	uint64_t epoch;			/* microseconds; 0: congestion avoidance is to begin */
	/* HyStart++ (RFC 9406): round trips of this round and the one before */
	uint32_t round_end, round_min, last_min, css_base;
	unsigned samples, css_rounds;
	bool css;
};

void cc_start(struct cc *c, enum cc_kind kind, uint32_t mss, uint32_t cwnd, uint32_t ssthresh);
void cc_acked(struct cc *c, uint32_t bytes, uint64_t now, uint32_t rtt);
void cc_rtt(struct cc *c, uint32_t rtt, uint32_t una, uint32_t high);
void cc_lost(struct cc *c);
void cc_timeout(struct cc *c);

#endif
