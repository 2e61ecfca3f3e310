/* ls_json.c - ustack ls --json
 *
 * Theory of operation
 * One array, an object a stack, with its interfaces in an array; one stack a
 * line.  A stack that does not answer has "state" and "error" in place of the
 * rest.  Text is escaped as RFC 8259 wants; bytes that are no UTF-8 do not occur
 * in names of interfaces, and paths are printed as they are.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/addr.h"
#include "cli/cli.h"

static void text(const char *key, const char *val)
{
	printf("\"%s\":\"", key);
	for (; *val; val++) {
		unsigned char c = (unsigned char)*val;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void number(const char *key, uint64_t val)
{
	printf(",\"%s\":%" PRIu64, key, val);
}

/* valid and preferred only where they end */
static void addresses(const struct msg_ifinfo *f)
{
	char buf[ADDR_PREFIXSTRLEN];
	const char *sep = "";

	printf(",\"addresses\":[");
	for (uint32_t i = 0; i < f->naddr; i++) {
		const struct msg_ifaddr *a = &f->addr[i];

		if (!ls_addr(a, buf))
			continue;
		printf("%s{\"address\":\"%s\",\"state\":\"%s\"", sep, buf,
		       *ls_addr_state(a) ? ls_addr_state(a) : "usable");
		if (a->valid != MSG_FOREVER)
			number("valid", a->valid);
		if (a->preferred != MSG_FOREVER)
			number("preferred", a->preferred);
		putchar('}');
		sep = ",";
	}
	putchar(']');
}

static void statistics(const struct msg_ifstats *s)
{
	printf(",\"stats\":{\"rx_packets\":%" PRIu64, s->rx_packets);
	number("rx_bytes", s->rx_bytes);
	number("rx_dropped", s->rx_dropped);
	number("tx_packets", s->tx_packets);
	number("tx_bytes", s->tx_bytes);
	number("tx_dropped", s->tx_dropped);
	putchar('}');
}

static void interface(const struct msg_ifinfo *f)
{
	putchar('{');
	text("name", f->name);
	number("index", f->index);
	putchar(',');
	text("state", ls_state(f));
	putchar(',');
	text("link", f->spec);
	printf(",\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\"", f->mac[0], f->mac[1], f->mac[2],
	       f->mac[3], f->mac[4], f->mac[5]);
	number("mtu", f->mtu);
	addresses(f);
	statistics(&f->stats);
	putchar('}');
}

static void running(const struct ls_stack *s)
{
	printf(",\"state\":\"running\",\"pid\":%d", s->info.pid);
	number("uptime", s->info.uptime_ns / 1000000000u);
	number("sessions", s->info.nsession);
	printf(",\"sockets\":{\"stream\":%u", s->info.nsock_stream);
	number("dgram", s->info.nsock_dgram);
	number("raw", s->info.nsock_raw);
	printf("},\"interfaces\":[");
	for (uint32_t i = 0; i < s->info.nif; i++) {
		if (i)
			putchar(',');
		interface(&s->ifs[i]);
	}
	putchar(']');
}

/**
 * ls_json() - Print stacks as JSON
 */
void ls_json(const struct ls_stack *s, size_t n)
{
	putchar('[');
	for (size_t i = 0; i < n; i++) {
		printf(i ? ",\n{" : "{");
		text("name", s[i].name);
		putchar(',');
		text("path", s[i].path);
		if (s[i].null) {
			printf(",\"state\":\"null\"");
		} else if (s[i].err) {
			printf(",\"state\":\"%s\",",
			       s[i].err == -ECONNREFUSED ? "dead" : "unknown");
			text("error", strerror(-s[i].err));
		} else {
			running(&s[i]);
		}
		putchar('}');
	}
	puts("]");
}
