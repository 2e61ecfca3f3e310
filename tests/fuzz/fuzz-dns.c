/* fuzz-dns.c - answers of name servers: whatever they say, what is taken from
 * them is well-formed */
#include <netdb.h>
#include <resolv.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "names/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* a host as a program gets it: names that are host names, addresses of its family */
static void check_host(struct names_host *h, int family, int herr)
{
	char buf[8192];
	struct hostent he;

	if (herr == 0 && (!h->name || !h->naddr || !res_hnok(h->name)))
		abort();
	for (unsigned i = 0; i < h->naddr; i++)
		if (h->addr[i].family != family)
			abort();
	if (herr == 0 && names_hostent(h, family, &he, buf, sizeof(buf)) == 0 &&
	    (strcmp(he.h_name, h->name) != 0 || he.h_length != (int)names_addr_len(family)))
		abort();
	names_host_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names_addr a = { .family = AF_INET };
	struct dns_msg m = { .answer_len = size };
	struct names_host h = { 0 };

	if (size < 12)		/* such never get past dns_exchange() */
		return 0;
	m.answer = malloc(size);
	if (!m.answer)
		return 0;
	memcpy(m.answer, data, size);
	dns_outcome(&m);
	check_host(&h, AF_INET, dns_parse_addrs(&m, AF_INET, &h));
	check_host(&h, AF_INET6, dns_parse_addrs(&m, AF_INET6, &h));
	check_host(&h, AF_INET, dns_parse_ptr(&m, &a, &h));
	free(m.answer);
	return 0;
}
