/* icmp.h - start and end of the engine's taps for datagrams and ICMP */
#ifndef ENGINE_ICMP_H
#define ENGINE_ICMP_H

struct engine;

int dgram_init(struct engine *e);
void dgram_exit(struct engine *e);

#endif
