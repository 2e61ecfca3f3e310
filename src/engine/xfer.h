/* xfer.h - the two directions of a connection, for xfer*.c */
#ifndef ENGINE_XFER_H
#define ENGINE_XFER_H

#include "engine/tcp.h"

/* xfer_rx.c */
void xfer_rx_drop(struct tcp_sock *ts, uint32_t *credit);
void xfer_ack(struct tcp_sock *ts);

/* xfer_urgent.c */
size_t xfer_urgent_room(const struct tcp_sock *ts, size_t room);
size_t xfer_urgent_take(struct tcp_sock *ts, uint8_t *buf, size_t room);
bool xfer_urgent_next(struct tcp_sock *ts);
void xfer_urgent_drop(struct tcp_sock *ts);

/* xfer_tx.c */
size_t xfer_tx_fresh(const struct tcp_sock *ts);
void xfer_pull(struct tcp_sock *ts, uint64_t most);
void xfer_tx_release(struct tcp_sock *ts);
void xfer_tx_settle(struct tcp_sock *ts);
void xfer_tx_refuse(struct tcp_sock *ts);
void xfer_tx_drop(struct tcp_sock *ts);

#endif
