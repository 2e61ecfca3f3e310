/* dgram_rx.c - datagrams toward the application
 *
 * Theory of operation
 * Each datagram becomes a record (proto/dgram.h) in the socket's pair.  One that
 * does not fit is dropped, as a full receive buffer drops it in the kernel.
 *
 * A packet may be several datagrams that a link did not cut (dgram_info.segment).
 * They share a header, are put into the pair by one sendmmsg(), and what does
 * not fit of them is dropped.  With UDP_GRO they are one record, which tells their
 * size.  A filter sees what the application would get: for its sake they are
 * cut into packets first.
 */
#include "engine/sock_dgram.h"

#include <errno.h>
#include <time.h>
#include <sys/uio.h>
#include "engine/filter.h"
#include "engine/iface.h"
#include "engine/priv.h"
#include "lwip/ip.h"
#include "lwip/prot/udp.h"
#include "port.h"

#define RX_IOV	64
#define BATCH	64		/* datagrams a system call: 64 KB are 46 of Ethernet's */

/* dgram_now() - CLOCK_REALTIME in nanoseconds */
uint64_t dgram_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* dgram_info_current() - Take down what lwIP knows of the packet it is handing up */
void dgram_info_current(struct dgram_info *info, uint16_t sport, uint16_t dport)
{
	memset(info, 0, sizeof(*info));
	ip_addr_copy(info->from.ip, *ip_current_src_addr());
	ip_addr_copy(info->to.ip, *ip_current_dest_addr());
	info->from.port = sport;
	info->to.port = dport;
	info->ifindex = iface_index_of(ip_current_input_netif());
	info->stamp_ns = dgram_now();
	if (ip_current_is_v6()) {
		info->ttl = IP6H_HOPLIM(ip6_current_header());
		info->tos = (uint8_t)IP6H_TC(ip6_current_header());
	} else {
		info->ttl = IPH_TTL(ip4_current_header());
		info->tos = IPH_TOS(ip4_current_header());
	}
}

/* dgram_put() - Write a record; 0, or -errno: it is dropped, and counted */
int dgram_put(struct dgram_sock *ds, struct iovec *iov, int cnt)
{
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = (size_t)cnt };

	if (sendmsg(ds->s.w.fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	ds->drops++;
	return -errno;
}

/* what stands in front of the data */
struct head {
	struct dgram_hdr h;
	uint8_t ctl[DGRAM_CTL_MAX];
};

/* how many pieces it has */
static int head_init(struct head *x, struct sock *s, const struct dgram_info *info,
		     struct iovec *iov)
{
	x->h = (struct dgram_hdr){
		.version = DGRAM_VERSION, .type = DGRAM_DATA,
		.ifindex = info->ifindex, .ttl = info->ttl, .tos = info->tos,
		.stamp_ns = info->stamp_ns, .info = (uint32_t)dgram(s)->drops,
	};
	endpoint_to_sockaddr(&info->from, s->domain, &x->h.peer);
	endpoint_to_sockaddr(&info->to, s->domain, &x->h.local);
	iov[0] = (struct iovec){ &x->h, sizeof(x->h) };
	if (dgram_wants_ctl(s))
		x->h.err = (int32_t)dgram_put_ctl(s, x->ctl);
	if (!x->h.err)
		return 1;
	x->h.flags = DGRAM_F_CTL;
	iov[1] = (struct iovec){ x->ctl, (size_t)x->h.err };
	return 2;
}

/* one record, of the data from @skip on as far as the filter wants them; 0 or -errno */
static int put_whole(struct sock *s, const struct dgram_info *info, const struct pbuf *p,
		     unsigned skip)
{
	/* a filter sees UDP's header, too */
	unsigned hlen = s->ops == &sock_udp_ops ? UDP_HLEN : 0;
	size_t keep = filter_datagram(s, p, skip - hlen, info->ifindex);
	struct iovec iov[RX_IOV];
	struct head x;
	int cnt;

	if (keep == 0)
		return 0;
	keep = keep > hlen ? keep - hlen : 0;
	cnt = head_init(&x, s, info, iov);
	if (info->segment) {
		x.h.flags |= DGRAM_F_SEVERAL;
		x.h.segment = info->segment;
	}
	for (; p && keep && cnt < RX_IOV; p = p->next) {
		if (skip >= p->len) {
			skip -= p->len;
			continue;
		}
		iov[cnt].iov_base = (uint8_t *)p->payload + skip;
		iov[cnt].iov_len = p->len - skip < keep ? p->len - skip : keep;
		keep -= iov[cnt++].iov_len;
		skip = 0;
	}
	return dgram_put(dgram(s), iov, cnt);
}

/* ---- several datagrams ---- */

struct cut_to {
	struct sock *s;
	struct dgram_info info;
	unsigned skip;
};

static int put_piece(struct pbuf *p, void *arg)
{
	const struct cut_to *to = arg;

	put_whole(to->s, &to->info, p, to->skip);
	return 0;
}

/* each as a packet of its own */
static void put_packets(struct sock *s, const struct dgram_info *info, const struct pbuf *p,
			unsigned skip)
{
	struct virtio_net_hdr v = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
		.gso_size = info->segment, .csum_start = (uint16_t)(skip - UDP_HLEN),
	};
	struct cut_to to = { .s = s, .info = *info, .skip = skip };

	to.info.segment = 0;
	port_segment(p, 0, &v, put_piece, &to);
}

/* records of one header and @size bytes each, the last may be shorter */
static void put_records(struct sock *s, const struct dgram_info *info, uint8_t *data, size_t len)
{
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH][3], head[2];
	size_t size = info->segment;
	struct head x;
	int nhead = head_init(&x, s, info, head);

	while (len) {
		int n = 0, sent;

		for (; len && n < BATCH; n++) {
			size_t part = len < size ? len : size;

			memcpy(iov[n], head, (size_t)nhead * sizeof(*head));
			iov[n][nhead] = (struct iovec){ data, part };
			m[n].msg_hdr = (struct msghdr){
				.msg_iov = iov[n], .msg_iovlen = (size_t)nhead + 1,
			};
			data += part;
			len -= part;
		}
		sent = sendmmsg(s->w.fd, m, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < n) {
			dgram(s)->drops += (unsigned)(n - (sent > 0 ? sent : 0)) +
				(len + size - 1) / size;
			return;
		}
	}
}

static void put_each(struct sock *s, const struct dgram_info *info, const struct pbuf *p,
		     unsigned skip)
{
	if (s->filter.prog || p->next)
		put_packets(s, info, p, skip);
	else
		put_records(s, info, (uint8_t *)p->payload + skip, p->len - skip);
}

/**
 * dgram_deliver() - Give a packet to a socket: a datagram, or several
 * @p:		packet; not changed, not kept
 * @skip:	bytes of headers in front of the data
 */
void dgram_deliver(struct sock *s, const struct dgram_info *info, const struct pbuf *p,
		   unsigned skip)
{
	if (dgram(s)->rd_shut)
		return;
	if (info->segment && !s->o.udp_gro) {
		put_each(s, info, p, skip);
		return;
	}
	/* a small SO_RCVBUF takes a datagram of any size in Linux, a pair does not */
	if (put_whole(s, info, p, skip) == -EMSGSIZE && info->segment) {
		dgram(s)->drops--;	/* not lost yet */
		put_each(s, info, p, skip);
	}
}
