/* packet.c - what a ring of a packet socket may look like
 *
 * Both sides check: the client, so that the application gets its errno at
 * once, and the stack, which trusts no client.
 */
#include "proto/packet.h"

#include <errno.h>

#define PAGE	4096u

/**
 * packet_ring_check() - Is this a ring that the kernel would make?
 * @r:		as in struct tpacket_req
 * @reserve:	PACKET_RESERVE
 *
 * Return: 0, -EINVAL, or -ENOMEM (larger than PACKET_RING_MAX)
 */
int packet_ring_check(const struct msg_ring *r, uint32_t reserve)
{
	uint64_t size = (uint64_t)r->block_size * r->block_nr;
	uint32_t per_block;

	if (r->block_size == 0 || r->block_size % PAGE || r->block_nr == 0 ||
	    reserve > UINT16_MAX || r->frame_size < TPACKET2_HDRLEN + reserve ||
	    r->frame_size % TPACKET_ALIGNMENT)
		return -EINVAL;
	per_block = r->block_size / r->frame_size;
	if (per_block == 0 || (uint64_t)per_block * r->block_nr != r->frame_nr)
		return -EINVAL;
	return size > PACKET_RING_MAX ? -ENOMEM : 0;
}
