/* log.c - one line a message, to stderr or syslog
 *
 * Theory of operation
 * A message is formatted into a buffer of its own and leaves by one write(2),
 * so that lines of several processes on one terminal or pipe do not mix.
 * Names and strings of clients end up in messages: bytes that a terminal
 * would act upon are replaced, a line stays one line.  What is longer than
 * the buffer is cut and ends in "...".  errno survives, and %m works.
 *
 * Limits: LOG_LIMIT_BURST messages a second of each log_limited() in the
 * source; the next that is let through tells how many were not.
 * State is per process; one thread logs.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/loop.h"

#define LOG_LINE_MAX	1024		/* a message, ident and newline included */
#define LOG_LIMIT_BURST	5		/* messages a window */
#define LOG_LIMIT_NS	1000000000ull	/* the window */

static const char *log_ident = "ustackd";
static int log_level = LOG_INFO;
static bool to_syslog;

/**
 * log_init() - Name the program and say how much it tells
 * @ident:	Prefix of each line; kept, not copied
 * @max_level:	LOG_ERR ... LOG_DEBUG: what is above it is not logged
 */
void log_init(const char *ident, int max_level)
{
	log_ident = ident;
	log_level = max_level;
}

/**
 * log_to_syslog() - From now on log to syslog(3), facility daemon
 */
void log_to_syslog(void)
{
	openlog(log_ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	to_syslog = true;
}

/* make @s, of which @len bytes came from formatting into @size, one clean line */
static size_t clean_line(char *s, size_t size, int len)
{
	size_t n = len < 0 ? 0 : (size_t)len;

	if (n >= size) {
		n = size - 1;
		memcpy(s + n - 3, "...", 3);
	}
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			s[i] = '?';
	return n;
}

static void __attribute__((format(printf, 2, 0)))
log_vmsg(int level, const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX];
	int saved = errno, head;
	size_t n;

	head = snprintf(line, sizeof(line) / 2, "%s: ", log_ident);
	if (head < 0 || (size_t)head >= sizeof(line) / 2)
		head = 0;
	errno = saved;		/* for %m */
	n = head + clean_line(line + head, sizeof(line) - 1 - head,
			      vsnprintf(line + head, sizeof(line) - 1 - head, fmt, ap));
	if (to_syslog) {
		syslog(level, "%.*s", (int)n - head, line + head);
	} else {
		line[n++] = '\n';
		/* a stderr that takes nothing is no reason to fail or wait */
		while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
			;
	}
	errno = saved;
}

/**
 * log_msg() - Log a message
 * @level:	LOG_ERR ... LOG_DEBUG
 * @fmt:	Object, action, value, reason, remedy; no newline
 */
void log_msg(int level, const char *fmt, ...)
{
	va_list ap;

	if (level > log_level)
		return;
	va_start(ap, fmt);
	log_vmsg(level, fmt, ap);
	va_end(ap);
}

/* may one more message pass?  @missed: how many did not, to be told first */
static bool limit_pass(struct log_limit *lim, uint64_t now, unsigned *missed)
{
	*missed = 0;
	if (!lim->window_ns || now - lim->window_ns >= LOG_LIMIT_NS) {
		*missed = lim->suppressed;
		lim->window_ns = now;
		lim->in_window = 0;
		lim->suppressed = 0;
	}
	if (lim->in_window >= LOG_LIMIT_BURST) {
		lim->suppressed++;
		return false;
	}
	lim->in_window++;
	return true;
}

/**
 * log_limit_msg() - Log a message that others can provoke
 * @lim:	State of this message, zero-initialised; see log_limited()
 * @level:	LOG_ERR ... LOG_DEBUG
 * @fmt:	As for log_msg()
 */
void log_limit_msg(struct log_limit *lim, int level, const char *fmt, ...)
{
	unsigned missed;
	va_list ap;

	if (level > log_level || !limit_pass(lim, clock_ns(), &missed))
		return;
	if (missed)
		log_msg(level, "%u messages like the next were suppressed", missed);
	va_start(ap, fmt);
	log_vmsg(level, fmt, ap);
	va_end(ap);
}
