/* cares.h - the functions of c-ares that are used, found at run time (dns.c) */
#ifndef NAMES_CARES_H
#define NAMES_CARES_H

#include <ares.h>

#define CARES_FUNCTIONS(X) \
	X(library_init) X(init_options) X(destroy) X(set_servers_ports) \
	X(set_socket_functions) X(send) X(getsock) X(timeout) X(process_fd) \
	X(create_query) X(free_string)

struct cares {
#define CARES_DECLARE(name) __typeof__(&ares_##name) name;
	CARES_FUNCTIONS(CARES_DECLARE)
#undef CARES_DECLARE
};

const struct cares *cares_get(void);

#endif
