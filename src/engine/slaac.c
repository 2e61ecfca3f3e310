/* slaac.c - IPv6 addresses that an interface makes for itself (RFC 4862, 7217, 8981)
 *
 * Theory of operation
 * From each prefix that a router announces for it comes one address: its second
 * half is made of the Ethernet address (EUI-64), or of a keyed hash of prefix and
 * interface that is the same at each start and says nothing elsewhere (RFC 7217), as
 * the interface's addrgenmode says.  With `privacy' there is a temporary one beside it,
 * of random numbers, which is preferred as a source, for a day; the next is made
 * while the last still holds (RFC 8981; looked at whenever an advertisement comes, of which
 * there is one in half an hour at least).
 *
 * Addresses are tentative until lwIP found nobody else to have them.  If somebody has, a
 * hashed or random one is made anew, three times; one of the Ethernet address stays as
 * it is, unused, for it says that two stations have the same.
 * An announced lifetime below two hours does not shorten what is left, so that no
 * forged advertisement can (RFC 4862 5.5.3).
 */
#include <string.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include "engine/autoconf.h"
#include "engine/iface_priv.h"
#include "engine/priv.h"
#include "engine/ra_msg.h"

#define NS_PER_S	1000000000ull
#define SLOTS		LWIP_IPV6_NUM_ADDRESSES
#define TWO_HOURS	7200
#define TRIES		3		/* IDGEN_RETRIES */
#define TEMP_VALID	(2 * 86400)
#define TEMP_PREFERRED	86400
#define TEMP_AHEAD	2400		/* the next one, before the end: longer than routers are silent */
#define TEMP_DESYNC	3600		/* up to so much earlier, at random */

static uint32_t least(uint32_t x, uint32_t y)
{
	return x < y ? x : y;
}

static void make_eui64(const uint8_t mac[6], uint8_t iid[8])
{
	memcpy(iid, mac, 3);
	iid[0] ^= 0x02;
	iid[3] = 0xff;
	iid[4] = 0xfe;
	memcpy(iid + 5, mac + 3, 3);
}

static void make_random(uint8_t iid[8])
{
	uint32_t v[2] = { port_rand(), port_rand() };

	memcpy(iid, v, sizeof(v));
}

static void make_stable(const struct iface *i, const uint8_t prefix[8], unsigned tries,
			uint8_t iid[8])
{
	uint8_t in[8 + 1];
	uint64_t h;

	memcpy(in, prefix, 8);
	in[8] = (uint8_t)tries;
	h = port_keyed_hash(iface_stable_hash(i, "address"), iface_stable_hash(i, "network"),
			    in, sizeof(in));
	memcpy(iid, &h, sizeof(h));
}

/* false: the interface makes no addresses */
static bool make_address(const struct iface *i, const uint8_t prefix[8], unsigned tries,
			 ip_addr_t *out)
{
	uint8_t b[16];

	memcpy(b, prefix, 8);
	switch (i->addrgen) {
	case IN6_ADDR_GEN_MODE_NONE:
		return false;
	case IN6_ADDR_GEN_MODE_STABLE_PRIVACY:
		make_stable(i, prefix, tries, b + 8);
		break;
	case IN6_ADDR_GEN_MODE_RANDOM:
		make_random(b + 8);
		break;
	default:
		make_eui64(i->mac, b + 8);
		break;
	}
	ip_addr_set_zero_ip6(out);
	memcpy(ip_2_ip6(out)->addr, b, 16);
	return true;
}

/* slaac_link_local() - An interface's link-local address; false: it has none */
bool slaac_link_local(const struct iface *i, ip_addr_t *out)
{
	static const uint8_t prefix[8] = { 0xfe, 0x80 };

	return make_address(i, prefix, 0, out);
}

/* ---- addresses of a prefix ---- */

static bool made_from(const struct iface *i, int k, const uint8_t prefix[8], bool temporary)
{
	const struct iface_addr *a = &i->addr6[k];

	return !ip6_addr_isinvalid(netif_ip6_addr_state(i->netif, k)) && a->told &&
		a->proto == IFAPROT_RA && !!(a->flags & IFA_F_TEMPORARY) == temporary &&
		!memcmp(netif_ip6_addr(i->netif, k)->addr, prefix, 8);
}

static int slot_with(const struct iface *i, const ip_addr_t *ip)
{
	int k = SLOTS - 1;

	while (k >= 0 && (ip6_addr_isinvalid(netif_ip6_addr_state(i->netif, k)) ||
			  !ip6_addr_cmp_zoneless(netif_ip6_addr(i->netif, k), ip_2_ip6(ip))))
		k--;
	return k;
}

static void give(struct autoconf *a, const ip_addr_t *ip, uint32_t flags, unsigned tries,
		 uint32_t valid, uint32_t preferred)
{
	struct iface_addr want = {
		.plen = 64, .proto = IFAPROT_RA, .told = true, .flags = flags | IFA_F_TENTATIVE,
		.valid = valid, .preferred = preferred,
	};
	int k;

	ip_addr_copy(want.local, *ip);
	ip_addr_copy(want.peer, *ip);
	if (iface_addr_add(a->i, &want) < 0)
		return;			/* no room, or configured by hand */
	k = slot_with(a->i, ip);
	a->made[k].born = loop_now(a->i->e->loop);
	a->made[k].tries = (uint8_t)tries;
}

static void set_life(struct iface *i, int k, uint32_t valid, uint32_t preferred)
{
	struct iface_addr v;

	iface_addr6_view(i, k, &v);
	v.flags = i->addr6[k].flags;
	v.told = true;
	v.valid = valid;
	v.preferred = least(preferred, valid);
	iface_addr_replace(i, &v);
}

/* RFC 4862 5.5.3 e) */
static uint32_t valid_now(uint32_t left, uint32_t told)
{
	if (told > TWO_HOURS || told > left)
		return told;
	return left > TWO_HOURS ? TWO_HOURS : left;
}

static void keep_stable(struct autoconf *a, const struct ra_prefix *p)
{
	struct iface *i = a->i;
	struct iface_addr v;
	ip_addr_t ip;

	for (int k = 1; k < SLOTS; k++) {
		if (!made_from(i, k, p->addr, false))
			continue;
		iface_addr6_view(i, k, &v);
		set_life(i, k, valid_now(v.valid, p->valid), p->preferred);
		return;
	}
	if (p->valid && make_address(i, p->addr, 0, &ip))
		give(a, &ip, a->flags & CONFIG_IF_PRIVACY ? IFA_F_MANAGETEMPADDR : 0, 0,
		     p->valid, p->preferred);
}

static uint32_t age(const struct autoconf *a, int k)
{
	return (uint32_t)((loop_now(a->i->e->loop) - a->made[k].born) / NS_PER_S);
}

static void give_temporary(struct autoconf *a, const uint8_t prefix[8], unsigned tries,
			   uint32_t valid, uint32_t preferred)
{
	uint8_t b[16];
	ip_addr_t ip;

	memcpy(b, prefix, 8);
	make_random(b + 8);
	ip_addr_set_zero_ip6(&ip);
	memcpy(ip_2_ip6(&ip)->addr, b, 16);
	give(a, &ip, IFA_F_TEMPORARY, tries, least(valid, TEMP_VALID), least(preferred, TEMP_PREFERRED));
}

static void keep_temporary(struct autoconf *a, const struct ra_prefix *p)
{
	uint32_t end = TEMP_PREFERRED - a->desync, old;
	bool fresh = false;

	for (int k = 1; k < SLOTS; k++) {
		if (!made_from(a->i, k, p->addr, true))
			continue;
		old = age(a, k);
		fresh = fresh || old + TEMP_AHEAD < end;
		if (old < TEMP_VALID && p->valid)
			set_life(a->i, k, least(p->valid, TEMP_VALID - old),
				 old < end ? least(p->preferred, end - old) : 0);
	}
	if (!fresh && p->preferred) {
		a->desync = port_rand() % TEMP_DESYNC;
		give_temporary(a, p->addr, 0, p->valid, p->preferred);
	}
}

/* slaac_prefix() - A router says that addresses may be made from a prefix */
void slaac_prefix(struct autoconf *a, const struct ra_prefix *p)
{
	if (p->plen != 64 || a->i->addrgen == IN6_ADDR_GEN_MODE_NONE)
		return;
	keep_stable(a, p);
	if (a->flags & CONFIG_IF_PRIVACY)
		keep_temporary(a, p);
}

/* ---- duplicates ---- */

static void again(struct autoconf *a, int k)
{
	struct iface *i = a->i;
	unsigned tries = a->made[k].tries + 1u;
	bool temporary = i->addr6[k].flags & IFA_F_TEMPORARY;
	struct iface_addr v;
	uint8_t prefix[8];
	ip_addr_t ip;

	if (tries > TRIES || (!temporary && i->addrgen == IN6_ADDR_GEN_MODE_EUI64))
		return;
	iface_addr6_view(i, k, &v);
	memcpy(prefix, netif_ip6_addr(i->netif, k)->addr, 8);
	iface_addr_del(i, &v, true);
	if (temporary)
		give_temporary(a, prefix, tries, v.valid, v.preferred);
	else if (make_address(i, prefix, tries, &ip))
		give(a, &ip, v.flags & IFA_F_MANAGETEMPADDR, tries, v.valid, v.preferred);
}

/* slaac_duplicates() - Make those addresses anew that turned out to be somebody else's */
void slaac_duplicates(struct autoconf *a)
{
	for (int k = 1; k < SLOTS; k++)
		if (ip6_addr_isduplicated(netif_ip6_addr_state(a->i->netif, k)) &&
		    a->i->addr6[k].told && a->i->addr6[k].proto == IFAPROT_RA)
			again(a, k);
}

/* slaac_down() - The addresses go */
void slaac_down(struct autoconf *a)
{
	struct iface_addr v;

	for (int k = 1; k < SLOTS; k++) {
		if (ip6_addr_isinvalid(netif_ip6_addr_state(a->i->netif, k)) ||
		    !a->i->addr6[k].told || a->i->addr6[k].proto != IFAPROT_RA)
			continue;
		iface_addr6_view(a->i, k, &v);
		iface_addr_del(a->i, &v, true);
	}
}
