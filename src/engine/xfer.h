/* xfer.h - the two directions of a connection, for xfer*.c */
#ifndef ENGINE_XFER_H
#define ENGINE_XFER_H

#include "engine/tcp.h"

/* xfer_rx.c */
void xfer_rx_drop(struct tcp_sock *ts, uint32_t *credit);
void xfer_ack(struct tcp_sock *ts);

/* xfer_tx.c */
void xfer_pull(struct tcp_sock *ts, uint64_t most);
void xfer_tx_release(struct tcp_sock *ts);
void xfer_tx_settle(struct tcp_sock *ts);
void xfer_tx_refuse(struct tcp_sock *ts);
void xfer_tx_drop(struct tcp_sock *ts);

#endif
