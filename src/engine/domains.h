/* domains.h - domain names as DHCP and router advertisements carry them */
#ifndef ENGINE_DOMAINS_H
#define ENGINE_DOMAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOMAINS_MAX	512	/* a search list as text, with its NUL: longer ones are cut */

void domains_add_text(char *list, size_t room, const uint8_t *s, size_t len);
void domains_add_wire(char *list, size_t room, const uint8_t *b, size_t len);
size_t domains_put_wire(const char *name, uint8_t *out, size_t room);

#endif
