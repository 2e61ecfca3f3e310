/* names-lookup.c - hosts files, search lists and answers, without a network */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "names/names.h"

static char path[] = "/tmp/names-lookup-XXXXXX";

static int make_hosts(void **state)
{
	static const char text[] =
		"# nothing\n"
		"10.0.0.1 one.lab one # first\n"
		"10.0.0.2\tONE\tother\n"
		"fc00::1 one.six one\n"
		"::1 localhost\n"
		"10.0.0.3\n"
		"nonsense one\n"
		"10.0.0.4 last";	/* no newline */
	int fd = mkstemp(path);
	bool ok = fd >= 0 && write(fd, text, sizeof(text) - 1) == sizeof(text) - 1;

	close(fd);
	return ok ? 0 : -1;
}

static int remove_hosts(void **state)
{
	return unlink(path);
}

static void all_lines_of_a_name_count(void **state)
{
	struct names_host h;

	assert_int_equal(hosts_by_name(path, "one", AF_INET, &h), 0);
	assert_int_equal(h.naddr, 2);
	assert_string_equal(h.name, "one.lab");
	assert_int_equal(h.nalias, 3);
	names_host_free(&h);
	assert_int_equal(hosts_by_name(path, "oNe", AF_UNSPEC, &h), 0);
	assert_int_equal(h.naddr, 3);
	assert_int_equal(h.addr[2].family, AF_INET6);
	names_host_free(&h);
	assert_int_equal(hosts_by_name(path, "last", AF_INET, &h), 0);
	names_host_free(&h);
	assert_int_equal(hosts_by_name(path, "on", AF_INET, &h), HOST_NOT_FOUND);
	assert_int_equal(hosts_by_name("/nonexistent", "one", AF_INET, &h), HOST_NOT_FOUND);
}

static void the_loopback_has_both_families(void **state)
{
	struct names_host h;

	assert_int_equal(hosts_by_name(path, "localhost", AF_INET, &h), 0);
	assert_memory_equal(h.addr[0].bytes, "\x7f\0\0\1", 4);
	names_host_free(&h);
	assert_int_equal(hosts_by_name(path, "localhost", AF_INET6, &h), 0);
	names_host_free(&h);
}

static void an_address_has_its_first_line(void **state)
{
	struct names_addr a = { AF_INET, { 10, 0, 0, 2 } };
	struct names_host h;

	assert_int_equal(hosts_by_addr(path, &a, &h), 0);
	assert_string_equal(h.name, "ONE");
	names_host_free(&h);
	a.bytes[3] = 9;
	assert_int_equal(hosts_by_addr(path, &a, &h), HOST_NOT_FOUND);
}

struct tried {
	char list[400];
	const char *found;		/* the name that exists */
	int else_;			/* what the others give */
};

static int try(const struct names_conf *c, const char *name, void *arg)
{
	struct tried *t = arg;

	snprintf(t->list + strlen(t->list), sizeof(t->list) - strlen(t->list), " %s", name);
	return t->found && !strcmp(name, t->found) ? 0 : t->else_;
}

static void the_search_list_is_walked_in_order(void **state)
{
	struct names_conf c = { .ndots = 1, .flags = NAMES_DEFNAMES | NAMES_DNSRCH,
				.search = "a.test b.test" };
	struct tried t = { .else_ = HOST_NOT_FOUND };

	assert_int_equal(dns_search(&c, "x", try, &t), HOST_NOT_FOUND);
	assert_string_equal(t.list, " x.a.test x.b.test x");
	t = (struct tried){ .else_ = NO_DATA };
	assert_int_equal(dns_search(&c, "x.y", try, &t), NO_DATA);
	assert_string_equal(t.list, " x.y x.y.a.test x.y.b.test");
	t = (struct tried){ .else_ = HOST_NOT_FOUND };
	dns_search(&c, "x.", try, &t);
	assert_string_equal(t.list, " x.");
	t = (struct tried){ .found = "x.b.test", .else_ = DNS_SERVFAIL };
	assert_int_equal(dns_search(&c, "x", try, &t), 0);
	assert_string_equal(t.list, " x.a.test x.b.test");
	t = (struct tried){ .else_ = TRY_AGAIN };
	assert_int_equal(dns_search(&c, "x", try, &t), TRY_AGAIN);
	assert_string_equal(t.list, " x.a.test");	/* no server: no more waiting */
	c.flags = 0;
	t = (struct tried){ .else_ = DNS_SERVFAIL };
	assert_int_equal(dns_search(&c, "x", try, &t), TRY_AGAIN);
	assert_string_equal(t.list, " x");
}

/* "h.test": a CNAME to "c.test", whose address is 10.0.0.7 */
static const uint8_t answer[] =
	"\0\0\x81\x80\0\1\0\2\0\0\0\0"
	"\1h\4test\0\0\1\0\1"
	"\xc0\x0c\0\5\0\1\0\0\0\1\0\4\1c\xc0\x0e"
	"\xc0\x24\0\1\0\1\0\0\0\1\0\4\x0a\0\0\7";
#define ANSWER_LEN (sizeof(answer) - 1)

static void an_alias_leads_to_its_address(void **state)
{
	struct dns_msg m = { .answer = (uint8_t *)answer, .answer_len = ANSWER_LEN };
	struct names_host h = { 0 };

	assert_int_equal(dns_outcome(&m), 0);
	assert_int_equal(dns_parse_addrs(&m, AF_INET, &h), 0);
	assert_string_equal(h.name, "c.test");
	assert_int_equal(h.nalias, 1);
	assert_string_equal(h.alias[0], "h.test");
	assert_int_equal(h.naddr, 1);
	assert_memory_equal(h.addr[0].bytes, "\x0a\0\0\7", 4);
	names_host_free(&h);
	assert_int_equal(dns_parse_addrs(&m, AF_INET6, &h), DNS_ONLY_ALIAS);
	names_host_free(&h);
}

static void no_answer_is_read_beyond_its_end(void **state)
{
	struct names_addr a = { AF_INET, { 10, 0, 0, 7 } };

	srand(2);
	for (int i = 0; i < 20000; i++) {
		size_t len = 12 + (size_t)rand() % (ANSWER_LEN - 11);
		uint8_t *copy = malloc(len);	/* exact, so that ASan sees more */
		struct dns_msg m = { .answer = copy, .answer_len = len };
		struct names_host h = { 0 };

		memcpy(copy, answer, len);
		for (int k = rand() % 4; k > 0; k--)
			copy[(size_t)rand() % len] = (uint8_t)rand();
		dns_outcome(&m);
		dns_parse_addrs(&m, AF_INET, &h);
		dns_parse_addrs(&m, AF_INET6, &h);
		names_host_free(&h);
		dns_parse_ptr(&m, &a, &h);
		names_host_free(&h);
		free(copy);
	}
}

static void resolv_conf_names_the_stacks_servers(void **state)
{
	struct names_conf c;
	char text[300];
	int len;

	unsetenv("LOCALDOMAIN");
	assert_int_equal(names_conf_get(NULL, &c), 0);
	assert_true(names_resolv_conf(&c, text, sizeof(text)) > 0);
	assert_null(strstr(text, "nameserver"));
	assert_int_equal(c.nserver, 1);		/* 127.0.0.1, resolv.conf's default */
	c.configured = true;
	c.nserver = 2;
	inet_pton(AF_INET, "10.0.0.53", &c.server[0].in.sin_addr);
	c.server[1].in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_scope_id = 2 };
	inet_pton(AF_INET6, "fe80::53", &c.server[1].in6.sin6_addr);
	strcpy(c.search, "a.test b.test");
	len = names_resolv_conf(&c, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_non_null(strstr(text, "\nnameserver 10.0.0.53\nnameserver fe80::53%2\n"
				     "search a.test b.test\n"));
	assert_int_equal(names_resolv_conf(&c, text, 80), -1);
}

static void a_hostent_fits_or_says_so(void **state)
{
	struct names_host h = { 0 };
	struct hostent he;
	char buf[200];
	size_t need;

	assert_true(names_host_set_name(&h, "n") && names_host_add_alias(&h, "alias") &&
		    names_host_add_addr(&h, AF_INET, "\1\2\3\4") &&
		    names_host_add_addr(&h, AF_INET6, "0123456789abcdef"));
	/* at any alignment, and never a byte beyond the room */
	for (size_t shift = 0; shift < 8; shift++) {
		for (need = 0; names_hostent(&h, AF_INET, &he, buf + shift, need); need++)
			assert_true(need < 150);
		memset(buf, 0x55, sizeof(buf));
		assert_int_equal(names_hostent(&h, AF_INET, &he, buf + shift, need), 0);
		assert_int_equal(buf[shift + need], 0x55);
		assert_int_equal((uintptr_t)he.h_addr_list % sizeof(char *), 0);
		assert_string_equal(he.h_name, "n");
		assert_string_equal(he.h_aliases[0], "alias");
		assert_memory_equal(he.h_addr_list[0], "\1\2\3\4", 4);
		assert_null(he.h_addr_list[1]);
	}
	names_host_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lines_of_a_name_count),
		cmocka_unit_test(the_loopback_has_both_families),
		cmocka_unit_test(an_address_has_its_first_line),
		cmocka_unit_test(the_search_list_is_walked_in_order),
		cmocka_unit_test(an_alias_leads_to_its_address),
		cmocka_unit_test(no_answer_is_read_beyond_its_end),
		cmocka_unit_test(resolv_conf_names_the_stacks_servers),
		cmocka_unit_test(a_hostent_fits_or_says_so),
	};

	return cmocka_run_group_tests_name("names-lookup", tests, make_hosts, remove_hosts);
}
