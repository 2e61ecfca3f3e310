/* fuzz-bpf.c - a program that bpf_check() takes reads nothing but its packet
 *
 * Input: a byte n, n instructions, the packet.  The packet lies in a block of
 * its own size, headers in front included, so that a look outside is seen.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "engine/bpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sock_filter f[256];
	struct bpf_packet pkt = { .ifindex = 1, .protocol = 0x800 };
	struct bpf_prog *p;
	uint8_t *block;
	size_t n, len, front;

	if (size < 2)
		return 0;
	n = data[0];
	front = data[1] & 31;
	if (n * sizeof(*f) > size - 2)
		return 0;
	memcpy(f, data + 2, n * sizeof(*f));
	len = size - 2 - n * sizeof(*f);
	if (bpf_new(f, n, &p) < 0)
		return 0;
	block = malloc(len ? len : 1);
	if (!block)
		abort();
	memcpy(block, data + 2 + n * sizeof(*f), len);
	if (front > len)
		front = len;
	pkt.data = block + front;
	pkt.len = (uint32_t)(len - front);
	pkt.mac = data[1] & 32 ? block : NULL;
	pkt.net = data[1] & 64 ? pkt.data : NULL;
	pkt.vlan = data[1] & 128;
	bpf_run(p, &pkt);
	bpf_free(p);
	free(block);
	return 0;
}
