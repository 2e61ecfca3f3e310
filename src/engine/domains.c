/* domains.c - domain names as DHCP and router advertisements carry them
 *
 * Theory of operation
 * A search list is text: names with a space between them.  They come from the
 * network and end in programs' resolv.conf, so only letters, digits, '-' and
 * '_' make a label here; a name with anything else is left out, and so is one that
 * does not fit.  Wire form is RFC 1035's; a compression pointer (RFC 3397 allows them
 * in DHCP) must lead backwards, so that every walk ends.
 */
#include "engine/domains.h"

#include <string.h>

#define NAME_MAX_	253		/* of a name as text */
#define LABEL_MAX	63

static bool label_ok(const uint8_t *s, size_t len)
{
	if (!len || len > LABEL_MAX)
		return false;
	for (size_t k = 0; k < len; k++)
		if (!((s[k] >= 'a' && s[k] <= 'z') || (s[k] >= 'A' && s[k] <= 'Z') ||
		      (s[k] >= '0' && s[k] <= '9') || s[k] == '-' || s[k] == '_'))
			return false;
	return true;
}

static bool name_ok(const char *s, size_t len)
{
	while (len) {
		const char *dot = memchr(s, '.', len);
		size_t n = dot ? (size_t)(dot - s) : len;

		if (!label_ok((const uint8_t *)s, n))
			return false;
		if (!dot)
			return true;
		s += n + 1;
		len -= n + 1;
	}
	return false;
}

/* is the name in the list already? */
static bool listed(const char *list, const char *name, size_t len)
{
	for (const char *p = list; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (n == len && !strncasecmp(p, name, len))
			return true;
		p += n;
	}
	return false;
}

static void add_name(char *list, size_t room, const char *name, size_t len)
{
	size_t used = strlen(list);

	if (!len || len > NAME_MAX_ || listed(list, name, len))
		return;
	if (used + !!used + len + 1 > room)
		return;
	if (used)
		list[used++] = ' ';
	memcpy(list + used, name, len);
	list[used + len] = '\0';
}

/**
 * domains_add_text() - Append the names of a text (DHCP option 15)
 * @list:	the search list so far
 * @s, @len:	names with spaces between them; not terminated
 */
void domains_add_text(char *list, size_t room, const uint8_t *s, size_t len)
{
	const char *p = (const char *)s, *end = p + len;

	while (p < end) {
		size_t n = 0, dot;

		while (p + n < end && p[n] != ' ' && p[n])
			n++;
		dot = n && p[n - 1] == '.';	/* the root's */
		if (name_ok(p, n - dot))
			add_name(list, room, p, n - dot);
		p += n + 1;
	}
}

/* one name from @at on.  How many bytes it takes there, 0: malformed; @n is its
 * length as text, 0 when it is not to be used */
static size_t read_name(const uint8_t *b, size_t len, size_t at, char name[NAME_MAX_ + 1], size_t *n)
{
	size_t took = 0, limit = len, used = 0;
	bool ok = true;

	for (size_t pos = at; pos < limit;) {
		size_t l = b[pos];

		if ((l & 0xc0) == 0xc0) {
			if (pos + 2 > len)
				return 0;
			if (!took)
				took = pos + 2 - at;
			limit = pos;		/* backwards only */
			pos = (l & 0x3f) << 8 | b[pos + 1];
			if (pos >= limit)
				return 0;
			continue;
		}
		if (l > LABEL_MAX || pos + 1 + l > len)
			return 0;
		if (!l) {
			*n = ok ? used : 0;
			return took ? took : pos + 1 - at;
		}
		ok = ok && label_ok(b + pos + 1, l) && used + !!used + l <= NAME_MAX_;
		if (ok) {
			if (used)
				name[used++] = '.';
			memcpy(name + used, b + pos + 1, l);
			used += l;
		}
		pos += 1 + l;
	}
	return 0;
}

/**
 * domains_add_wire() - Append the names of a list in RFC 1035's form
 * @b, @len:	names one after the other; zeros may follow the last (RFC 8106)
 */
void domains_add_wire(char *list, size_t room, const uint8_t *b, size_t len)
{
	char name[NAME_MAX_ + 1];
	size_t n = 0, took;

	for (size_t at = 0; at < len; at += took) {
		took = read_name(b, len, at, name, &n);
		if (!took)
			return;
		add_name(list, room, name, n);
	}
}

/**
 * domains_put_wire() - A name in RFC 1035's form
 *
 * Return: bytes written, 0: not a domain name, or it does not fit
 */
size_t domains_put_wire(const char *name, uint8_t *out, size_t room)
{
	size_t len = strlen(name), at = 0;

	if (!name_ok(name, len) || len > NAME_MAX_ || len + 2 > room)
		return 0;
	for (;;) {
		size_t n = strcspn(name, ".");

		out[at++] = (uint8_t)n;
		memcpy(out + at, name, n);
		at += n;
		if (!name[n])
			break;
		name += n + 1;
	}
	out[at++] = 0;
	return at;
}
