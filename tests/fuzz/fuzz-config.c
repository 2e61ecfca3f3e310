/* fuzz-config.c - configuration strings: no crash, no leak, and what is
 * accepted keeps to the limits of proto/config.h */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "proto/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_iface(const struct config_iface *i)
{
	check(i->link && *i->link);
	check(memchr(i->name, '\0', sizeof(i->name)) != NULL);
	check(i->naddr <= CONFIG_ADDRS);
	for (unsigned n = 0; n < i->naddr; n++) {
		const struct addr_prefix *p = &i->addr[n];

		check(p->addr.family == AF_INET || p->addr.family == AF_INET6);
		check(p->len <= (p->addr.family == AF_INET ? 32u : 128u));
	}
	check(!i->has_gw4 || i->gw4.family == AF_INET);
	check(!i->has_gw6 || i->gw6.family == AF_INET6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1), err[64];
	struct config c;
	int rc;

	check(s != NULL);
	memcpy(s, data, size);
	s[size] = '\0';
	memset(err, 'x', sizeof(err));
	rc = config_parse(s, &c, err, sizeof(err));
	check(rc <= 0);
	if (rc < 0) {
		check(err[0] && memchr(err, '\0', sizeof(err)) != NULL);
	} else {
		check(c.niface <= CONFIG_IFACES && c.ndns <= CONFIG_DNS);
		for (unsigned i = 0; i < c.niface; i++)
			check_iface(&c.iface[i]);
	}
	config_free(&c);
	free(s);
	return 0;
}
