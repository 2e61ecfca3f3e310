/* bad-ring.c - rings for a packet socket that a stack must not trust
 *
 * usage: bad-ring SOCKET SEED	SOCKET is a stack's control socket
 *
 * Speaks the control protocol by itself, as a hostile client would: offers
 * memory that is too small, has holes, may shrink or is no memory, and shapes
 * that do not fit; every one must be refused.  Then a good ring, which is scribbled
 * over, status words, control page and all, and has its memory taken away
 * page by page while frames arrive.  Rings that are closed give their share back.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include "proto/packet.h"
#include "proto/sockname.h"

#define PAGE		4096u
#define SEALS		(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define SCRIBBLE_MS	1000
#define AGAIN		20		/* rings in turn, together more than all may have */
#define AGAIN_SIZE	(16u << 20)

static int conn;
static const char *path;
static uint64_t state;

static uint32_t rnd(void)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33);
}

/* a request with its answer: 0 or -errno */
static int ask(uint16_t op, uint64_t sock, const void *body, size_t len, int fd)
{
	static struct msg m;
	char ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { &m, sizeof(m.hdr) + len };
	struct msghdr mh = { .msg_iov = &v, .msg_iovlen = 1 };

	m.hdr = (struct msg_hdr){ .version = MSG_VERSION, .op = op, .len = (uint16_t)len, .sock = sock };
	memcpy(m.raw, body, len);
	if (fd >= 0) {
		struct cmsghdr *c;

		mh.msg_control = ctl;
		mh.msg_controllen = sizeof(ctl);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (sendmsg(conn, &mh, MSG_NOSIGNAL) < 0 || recv(conn, &m, sizeof(m), 0) < (ssize_t)sizeof(m.hdr))
		errx(1, "the stack ended the session");
	return m.hdr.err;
}

/* a packet socket that takes all frames; its number */
static int packet_socket(uint64_t *id)
{
	struct msg_socket how = { .domain = AF_PACKET, .type = SOCK_RAW, .protocol = htons(ETH_P_ALL) };
	struct {
		struct msg_opt o;
		int version;
	} v2 = { { .level = SOL_PACKET, .name = PACKET_VERSION, .len = sizeof(int) }, TPACKET_V2 };
	int fds[2];

	*id = sockname_new_id();
	if (sockname_pair(SOCKNAME_PACKET, *id, path, fds) < 0 ||
	    ask(MSG_OP_SOCKET, *id, &how, sizeof(how), fds[1]) ||
	    ask(MSG_OP_SETSOCKOPT, *id, &v2, sizeof(v2), -1))
		errx(1, "a packet socket cannot be made");
	close(fds[1]);
	return fds[0];
}

static int memory(size_t size, bool allocate, int seals)
{
	int fd = memfd_create("bad ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
	    (allocate && size && posix_fallocate(fd, 0, (off_t)size)) ||
	    (seals && fcntl(fd, F_ADD_SEALS, seals) < 0))
		err(1, "memory");
	return fd;
}

static struct msg_ring shape(uint32_t block, uint32_t blocks, uint32_t frame)
{
	return (struct msg_ring){ block, blocks, frame, block / frame * blocks };
}

static void refused(const char *what, const struct msg_ring *r, int fd)
{
	uint64_t id;
	int s = packet_socket(&id), ret = ask(MSG_OP_RING, id, r, sizeof(*r), fd);

	close(s);
	close(fd);
	printf("%s: %s\n", what, ret ? strerror(-ret) : "taken");
	if (!ret)
		errx(1, "%s: was taken", what);
}

static void offer_bad_ones(void)
{
	const size_t size = 4 * PAGE + PAGE;
	struct msg_ring good = shape(PAGE, 4, 2048), bad;
	int fd, pipes[2];

	refused("unsealed memory", &good, memory(size, true, 0));
	refused("memory sealed against growing only", &good, memory(size, true, F_SEAL_GROW));
	refused("memory without its control page", &good, memory(size - 1, true, SEALS));
	refused("no memory at all", &good, memory(0, false, SEALS));
	refused("memory that is a hole", &good, memory(size, false, SEALS));
	fd = memory(size, true, SEALS | F_SEAL_WRITE);
	refused("memory that nobody may write", &good, fd);
	if (pipe(pipes) < 0)
		err(1, "pipe");
	close(pipes[1]);
	refused("a pipe", &good, pipes[0]);
	fd = memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
	if (fd >= 0 && ftruncate(fd, 2 << 20) == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		refused("huge pages", &good, fd);
	bad = good;
	bad.block_size = 0;
	refused("blocks of no size", &bad, memory(size, true, SEALS));
	bad = good;
	bad.block_nr = UINT32_MAX;
	refused("4 billion blocks", &bad, memory(size, true, SEALS));
	bad = good;
	bad.frame_nr = 1000;
	refused("more frames than fit", &bad, memory(size, true, SEALS));
	bad = shape(PAGE, 4, 16);
	refused("frames shorter than their header", &bad, memory(size, true, SEALS));
	bad = (struct msg_ring){ 0x80000000u, 2, 0x80000000u, 2 };
	refused("sizes that overflow", &bad, memory(size, true, SEALS));
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* frames arrive meanwhile: the test sees to it */
static void scribble(void)
{
	struct msg_ring r = shape(PAGE, 16, 2048);
	size_t size = packet_ring_size(&r) + PAGE;
	int fd = memory(size, true, SEALS), s, tokens = 0;
	uint32_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int64_t end = now_ms() + SCRIBBLE_MS;
	unsigned filled = 0;
	uint64_t id;
	char byte;

	if (map == MAP_FAILED)
		err(1, "mmap");
	s = packet_socket(&id);
	if (ask(MSG_OP_RING, id, &r, sizeof(r), fd))
		errx(1, "a good ring is refused");
	while (now_ms() < end) {
		for (unsigned n = 0; n < 200; n++) {
			uint32_t *at = map + packet_ring_at(&r, rnd() % r.frame_nr) / sizeof(*map);

			filled += *(volatile uint32_t *)at != TP_STATUS_KERNEL;
			*(volatile uint32_t *)at = rnd() % 4 ? TP_STATUS_KERNEL : rnd();
			map[rnd() % (size / sizeof(*map))] = rnd() % 2 ? rnd() : 0;
		}
		if (rnd() % 8 == 0)
			fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  (off_t)(rnd() % (size / PAGE)) * PAGE, PAGE);
		while (recv(s, &byte, 1, MSG_DONTWAIT) > 0)
			tokens++;
	}
	printf("scribbled: %u filled frames seen, %d tokens\n", filled, tokens);
	if (!filled)
		errx(1, "no frame arrived: nothing was tested");
	close(s);
	close(fd);
}

/* what is closed is no longer counted; the stack learns of it a moment later */
static void one_after_the_other(void)
{
	struct msg_ring r = shape(1u << 20, AGAIN_SIZE >> 20, 2048);

	for (int i = 0; i < AGAIN; i++) {
		int64_t end = now_ms() + 5000;
		uint64_t id;
		int s = packet_socket(&id), ret, fd;

		do {
			fd = memory(packet_ring_size(&r) + PAGE, true, SEALS);
			ret = ask(MSG_OP_RING, id, &r, sizeof(r), fd);
			close(fd);
		} while (ret == -ENOMEM && now_ms() < end);
		if (ret)
			errx(1, "ring %d in turn: %s", i, strerror(-ret));
		close(s);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (argc != 3)
		errx(2, "usage: bad-ring SOCKET SEED");
	path = argv[1];
	state = strtoull(argv[2], NULL, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	conn = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (conn < 0 || connect(conn, (struct sockaddr *)&un, sizeof(un)) < 0)
		err(1, "control socket %s: cannot connect", path);
	offer_bad_ones();
	scribble();
	one_after_the_other();
	return 0;
}
