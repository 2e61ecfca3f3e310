/* nlmsg.c - build and read netlink messages
 *
 * Theory of operation
 * Building: messages are appended to one buffer that grows up to a bound.
 * A failure (memory, bound) is sticky, so a builder writes its attributes
 * without looking and its caller asks once.  Pointers from nl_begin() are
 * good until the next append.
 * Reading: every length is checked against what surrounds it before anything
 * inside is looked at; an attribute of the wrong size reads as absent, one
 * given twice counts as given last, types that the caller does not know are
 * passed over (netlink(7)).
 */
#include "engine/nlmsg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NLBUF_MIN	4096

/* room for @len more bytes, zeroed; NULL: failed */
static void *append(struct nlbuf *b, size_t len)
{
	size_t max = b->max ? b->max : NLBUF_MAX, cap = b->cap ? b->cap : NLBUF_MIN;
	uint8_t *p;

	if (b->failed)
		return NULL;
	while (cap < b->len + len)
		cap *= 2;
	if (b->len + len > max) {
		b->failed = true;
		return NULL;
	}
	if (cap > b->cap) {
		p = realloc(b->data, cap);
		if (!p) {
			b->failed = true;
			return NULL;
		}
		b->data = p;
		b->cap = cap;
	}
	p = b->data + b->len;
	memset(p, 0, len);
	b->len += len;
	return p;
}

/**
 * nl_begin() - Begin a message
 * @h:		its type, flags, seq and pid; the length is nl_end()'s to set
 * @family_hdr:	size of the family's header
 *
 * Return: the family's header, zeroed; a scratch area if the buffer failed, so
 * that it can always be filled in
 */
void *nl_begin(struct nlbuf *b, const struct nlmsghdr *h, size_t family_hdr)
{
	static uint8_t nowhere[64];
	struct nlmsghdr *n;

	b->msg = b->len;
	n = append(b, NLMSG_SPACE(family_hdr));
	if (!n)
		return nowhere;
	*n = *h;
	return NLMSG_DATA(n);
}

/* nl_end() - The message is complete */
void nl_end(struct nlbuf *b)
{
	if (!b->failed)
		((struct nlmsghdr *)(b->data + b->msg))->nlmsg_len = (uint32_t)(b->len - b->msg);
}

/* nl_cancel() - Forget the message that was begun */
void nl_cancel(struct nlbuf *b)
{
	if (!b->failed)
		b->len = b->msg;
}

/* nlbuf_free() - Release the buffer; it may be used again */
void nlbuf_free(struct nlbuf *b)
{
	free(b->data);
	*b = (struct nlbuf){ .max = b->max };
}

/* nl_put() - Append an attribute */
void nl_put(struct nlbuf *b, int type, const void *data, size_t len)
{
	struct nlattr *a = append(b, NLA_HDRLEN + NLA_ALIGN(len));

	if (!a)
		return;
	a->nla_type = (uint16_t)type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	if (len)
		memcpy((uint8_t *)a + NLA_HDRLEN, data, len);
}

/* nl_put_u8() - Append a byte */
void nl_put_u8(struct nlbuf *b, int type, uint8_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

/* nl_put_u32() - Append a number in host order */
void nl_put_u32(struct nlbuf *b, int type, uint32_t v)
{
	nl_put(b, type, &v, sizeof(v));
}

/* nl_put_str() - Append a string with its NUL */
void nl_put_str(struct nlbuf *b, int type, const char *s)
{
	nl_put(b, type, s, strlen(s) + 1);
}

/* nl_nest() - Begin an attribute that holds others; give the result to
 * nl_nest_end() */
size_t nl_nest(struct nlbuf *b, int type)
{
	size_t at = b->len;

	nl_put(b, type, NULL, 0);
	return at;
}

/* nl_nest_end() - What was appended since nl_nest() is inside */
void nl_nest_end(struct nlbuf *b, size_t at)
{
	if (!b->failed)
		((struct nlattr *)(b->data + at))->nla_len = (uint16_t)(b->len - at);
}

/**
 * nl_parse() - Sort attributes by type
 * @tb:		@max + 1 of them; those not found have data NULL
 * @data, @len:	attributes as received
 *
 * Return: 0, or -EINVAL: lengths that do not fit
 */
int nl_parse(struct nla *tb, unsigned max, const void *data, size_t len)
{
	const uint8_t *p = data;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	while (len >= NLA_HDRLEN) {
		struct nlattr a;
		size_t step;

		memcpy(&a, p, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || a.nla_len > len)
			return -EINVAL;
		a.nla_type &= NLA_TYPE_MASK;
		if (a.nla_type <= max)
			tb[a.nla_type] = (struct nla){ p + NLA_HDRLEN,
						       (uint16_t)(a.nla_len - NLA_HDRLEN) };
		step = NLA_ALIGN(a.nla_len);
		if (step > len)
			break;
		p += step;
		len -= step;
	}
	return 0;
}

/* nl_body() - The family's header of a request; NULL: it is shorter than that */
const void *nl_body(const struct nlmsghdr *h, size_t size)
{
	return h->nlmsg_len < NLMSG_LENGTH(size) ? NULL : NLMSG_DATA(h);
}

/* nl_parse_msg() - Sort the attributes behind the family's header: 0 or -EINVAL */
int nl_parse_msg(struct nla *tb, unsigned max, const struct nlmsghdr *h, size_t family_hdr)
{
	size_t skip = NLMSG_SPACE(family_hdr);

	if (h->nlmsg_len < NLMSG_LENGTH(family_hdr))
		return -EINVAL;
	if (h->nlmsg_len <= skip) {
		memset(tb, 0, (max + 1) * sizeof(*tb));
		return 0;
	}
	return nl_parse(tb, max, (const uint8_t *)h + skip, h->nlmsg_len - skip);
}

/* nla_u32() - A number in host order, or @none if it is absent or no number */
uint32_t nla_u32(const struct nla *a, uint32_t none)
{
	uint32_t v;

	if (!a->data || a->len < sizeof(v))
		return none;
	memcpy(&v, a->data, sizeof(v));
	return v;
}

/* nla_u8() - A byte, or @none if it is absent */
uint8_t nla_u8(const struct nla *a, uint8_t none)
{
	return a->data && a->len ? *(const uint8_t *)a->data : none;
}

/* nla_str() - Copy a string; false: absent, empty, or longer than fits */
bool nla_str(const struct nla *a, char *out, size_t size)
{
	size_t n;

	if (!a->data)
		return false;
	n = strnlen(a->data, a->len);
	if (n == 0 || n >= size)
		return false;
	memcpy(out, a->data, n);
	out[n] = '\0';
	return true;
}

/* nl_append() - Append bytes as they are, padded: part of a message, or whole ones */
void nl_append(struct nlbuf *b, const void *data, size_t len)
{
	void *p = append(b, NLMSG_ALIGN(len));

	if (p)
		memcpy(p, data, len);
}
