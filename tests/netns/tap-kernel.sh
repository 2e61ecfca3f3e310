#!/bin/bash
# tap-kernel.sh - the main job against the kernel's stack over a TAP
# deadline: 60
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/talk.sh.inc"
need nc.openbsd ping
t_begin
kernel_peer tap
KIP4=10.0.0.1 KIP6=fc00::1:1 SIP4=10.0.0.70 SIP6=fc00::1:70
talk
