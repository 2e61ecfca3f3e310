/* log.h - messages of the daemon: object, action, value, reason
 *
 * "ustackd: tap "t0": cannot open /dev/net/tun: Permission denied (...)".
 * One line a call, to stderr, or to syslog after log_to_syslog().  Messages
 * that the network or a client can provoke go through log_limited(): at most
 * a few a second each, the rest are counted and the count is reported.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>
#include <syslog.h>

void log_init(const char *ident, int max_level);	/* LOG_ERR ... LOG_DEBUG of <syslog.h> */
void log_to_syslog(void);
void log_msg(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)	log_msg(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_msg(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_msg(LOG_DEBUG, __VA_ARGS__)

struct log_limit {
	uint64_t window_ns;		/* start of the current second */
	unsigned in_window, suppressed;
};
void log_limit_msg(struct log_limit *lim, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_limited(level, ...) do { \
	static struct log_limit log_limit_; \
	log_limit_msg(&log_limit_, level, __VA_ARGS__); \
} while (0)

#endif
