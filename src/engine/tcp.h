/* tcp.h - a TCP socket of the engine, for sock_tcp.c, listener.c and xfer.c */
#ifndef ENGINE_TCP_H
#define ENGINE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "engine/sock.h"
#include "lwip/tcp.h"

#define SYN_RTO_S	1		/* RFC 6298: the first SYN's time-out */
#define SOMAXCONN_LINUX	4096
#define TCP_EXT_ID	1	/* our place in a PCB's ext_args; 0 is the port's */

enum tcp_phase { TCP_NEW, TCP_CONNECTING, TCP_CONNECTED, TCP_LISTENING };

struct listener;
struct pending;
struct txbuf;
struct urgent;
struct pbuf;

struct tcp_sock {
	struct sock s;			/* first */
	enum tcp_phase phase;
	struct tcp_pcb *pcb;		/* NULL before connect() and after the end */
	struct listener *lst;		/* TCP_LISTENING */
	struct pending *deferred;	/* not shown to accept() before its peer speaks */
	struct loop_timer timer;	/* connect's deadline, then the first ACK's, cork's, orphan's */
	int soft_err;			/* from ICMP: what a time-out is to be called */
	int reset_err;			/* the connection failed; told once rx_head is delivered */

	struct tcp_sock *dirty_next, **dirty_pprev;	/* e->dirty */
	bool dirty;

	/* network -> application */
	struct pbuf *rx_head, *rx_tail;	/* delivered by lwIP, not yet written */
	uint32_t rx_unacked;		/* bytes since we last sent an ACK */
	uint32_t rx_wnd;		/* the window we offer when nothing is unread */
	uint32_t rx_took;		/* bytes the application took ... */
	uint64_t rx_took_from;		/* ... since then, us */
	uint64_t rx_total;		/* bytes written to the pair */
	uint64_t rx_read;		/* of them, when the pair was last seen empty */
	bool rx_blocked, rx_writable;	/* EPOLLOUT is armed; it has come */
	bool rx_fin, rx_fin_done;	/* the peer's FIN; passed on */
	uint32_t rx_seq;		/* sequence number of the first byte of all */
	bool rx_urg;			/* the byte rx_urg_seq is urgent; it has not been written yet */
	uint32_t rx_urg_seq;
	bool rx_closed;			/* the application reads no more: discard */

	/* application -> network */
	uint32_t plug;			/* filler before the connection stands */
	uint32_t kept;			/* bytes at the head of the pair, sent but unread */
	unsigned nkept;			/* in how many pieces */
	uint32_t fresh;			/* bytes behind them: as many at least, when last asked */
	bool app_readable;		/* there may be bytes to take */
	bool bulk;			/* the application writes much at a time */
	bool app_rdhup, app_hup;	/* it shut down writing; closed everywhere */
	bool app_eof;			/* and everything before that was taken */
	bool fin_sent;
	bool ack_held, ack_timed;	/* the handshake's ACK waits for the first write; by timer */
	struct txbuf *tx_head, *tx_tail; /* buffers that lwIP's segments point to */
	struct urgent *tx_urg;		/* what was written with MSG_OOB and waits */
	uint64_t unacked_since;		/* loop_now() of the last progress; 0: nothing is in flight */
	uint64_t tx_written;		/* bytes handed to lwIP */
	uint64_t tx_small_end;		/* stream offset behind the last short segment */
};

/* sock_tcp.c */
struct tcp_sock *tcp_sock_accepted(struct tcp_sock *listener, struct tcp_pcb *pcb,
				   int *app_fd);
unsigned tcp_sock_mss(const struct tcp_pcb *pcb);
uint32_t tcp_sock_window(const struct sockopt *o, const struct tcp_pcb *pcb);
void tcp_sock_apply_opts(struct tcp_sock *ts, struct tcp_pcb *pcb);
void tcp_sock_apply_hops(const struct sockopt *o, bool v6, struct tcp_pcb *pcb);
void tcp_sock_detach(struct tcp_sock *ts);
void tcp_sock_abort(struct tcp_sock *ts);
void tcp_sock_icmp(struct tcp_sock *ts, int err, bool hard);

/* tcp_opt.c */
void tcp_opt_changed(struct sock *s, int level, int name);
int tcp_getopt(struct sock *s, int level, int name, void *val, uint32_t *len);
int tcp_setopt(struct sock *s, int level, int name, const void *val, uint32_t len);

/* tcp_info.c */
struct tcp_info;
uint8_t tcp_linux_state(const struct tcp_pcb *pcb);
void tcp_fill_info(const struct tcp_sock *ts, const struct tcp_pcb *pcb, struct tcp_info *ti);
uint32_t tcp_unread(struct tcp_sock *ts);
uint32_t tcp_unacked(const struct tcp_sock *ts, bool unsent);

/* listener.c */
int listener_start(struct tcp_sock *ts, int backlog);
void listener_stop(struct tcp_sock *ts);
void listener_push(struct tcp_sock *ts);
void listener_show(struct tcp_sock *child);
void listener_hide(struct tcp_sock *child);
void listener_queue(const struct tcp_sock *ts, uint32_t *queued, uint32_t *backlog);

/* xfer_urgent.c */
int xfer_urgent(struct tcp_sock *ts, const void *data, size_t len);

/* xfer.c */
void xfer_start(struct tcp_sock *ts);
void xfer_event(struct tcp_sock *ts, uint32_t events);
void xfer_dirty(struct tcp_sock *ts);
void xfer_undirty(struct tcp_sock *ts);
void xfer_run_all(struct engine *e);
void xfer_flush(struct tcp_sock *ts);
void xfer_reset(struct tcp_sock *ts, int err);
void xfer_forget(struct tcp_sock *ts);
err_t xfer_recv_cb(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err);
void xfer_on_input(struct tcp_pcb *pcb);
err_t xfer_sent_cb(void *arg, struct tcp_pcb *pcb, u16_t len);

#endif
