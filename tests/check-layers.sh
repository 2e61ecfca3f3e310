#!/bin/bash
# check-layers.sh - an include may only lead to the same layer or a lower one
#
#   base <- proto <- client <- names <- preload; client <- cli
#   ioth knows the public API only
#   base <- link <- engine <- daemon;  proto <- engine
#   lwIP and lwip-port <- engine only
#
# and is written "layer/file.h", so that a line tells the layer.
# usage: check-layers.sh [ROOT]; the tree above this script by default.
# Exit 1 with one line for each include that breaks the rule.
set -u
root=${1:-$(dirname "$0")/..}

declare -A knows=(
	[base]="base"
	[proto]="base proto"
	[link]="base link"
	[engine]="base proto link engine"
	[daemon]="base proto link engine daemon"
	[client]="base proto client"
	[names]="base proto client names"
	[preload]="base proto client names preload"
	[cli]="base proto client cli"
	[ioth]="ioth"
)
bad=0

complain() {	# FILE:LINE TEXT
	echo "$1: $2"
	bad=$((bad + 1))
}

# the layer and the includes of one file of src/: LAYER FILE
check_src() {
	local layer=$1 file=$2 line form target
	while IFS=' ' read -r line form target; do
		local dir=${target%%/*}
		case $form$target in
		\"config.h) ;;	# autoconf's
		\"port.h | \"lwip/* | \"netif/*) [[ $layer == engine ]] ||
			complain "$file:$line" "\"$target\": only src/engine and lwip-port know lwIP" ;;
		\"ustack.h) [[ " client preload cli ioth " == *" $layer "* ]] ||
			complain "$file:$line" "\"$target\": the public API is the client side's" ;;
		\"*/*) [[ " ${knows[$layer]} " == *" $dir "* ]] ||
			complain "$file:$line" "\"$target\": $layer must not know $dir (it knows: ${knows[$layer]})" ;;
		\"*) complain "$file:$line" "\"$target\": write it \"layer/file.h\"" ;;
		\<*) [[ -z ${knows[$dir]-} || $target != */* || ! -e $root/src/$target ]] ||
			complain "$file:$line" "<$target>: write it \"$target\"" ;;
		esac
	done < <(includes "$file")
}

# the port: lwIP, and files of its own folder
check_port() {
	local file=$1 line form target
	while IFS=' ' read -r line form target; do
		[[ $form == \" ]] || continue
		[[ $target == @(lwip|netif|core)/* || -e $root/lwip-port/$target ]] ||
			complain "$file:$line" "\"$target\": lwip-port knows lwIP and itself only"
	done < <(includes "$file")
}

# lines "NUMBER FORM TARGET", FORM being " or <
includes() {
	sed -nE 's/^[ \t]*#[ \t]*include[ \t]*(["<])([^">]*)[">].*/\1 \2/; t p; b; :p; =; p' "$1" |
		paste -d ' ' - -
}

check_tree() {
	local file layer n=0
	for file in "$root"/src/*/*.[ch]; do
		layer=$(basename "$(dirname "$file")")
		if [[ -z ${knows[$layer]-} ]]; then
			complain "$file" "src/$layer is no layer we know: say what it knows in $0"
			continue
		fi
		check_src "$layer" "$file"
		n=$((n + 1))
	done
	for file in "$root"/lwip-port/*.[ch] "$root"/lwip-port/*/*.[ch]; do
		[[ -e $file ]] && check_port "$file"
	done
	if [[ -e $root/include/ustack.h ]] && grep -nE '^[ \t]*#[ \t]*include[ \t]*"' "$root/include/ustack.h"; then
		complain include/ustack.h "the public header must do without ours"
	fi
	# an empty glob would pass for a clean tree
	[[ $n -gt 20 || $# -gt 0 ]] || complain "$root" "only $n source files found: is this the tree?"
}

# a tree in which every rule is broken once must give that many complaints
self_test() {
	local root want=8
	root=$(mktemp -d) || exit 2
	mkdir -p "$root"/src/{base,engine,client,odd} "$root"/lwip-port "$root"/include
	printf '#include "engine/engine.h"\n#include "lwip/tcp.h"\n#include "ustack.h"\n#include <stdio.h>\n' >"$root/src/base/a.c"
	printf '#include "base/b.h"\n#include "lwip/tcp.h"\n#include "port.h"\n  # include "daemon/x.h"\n' >"$root/src/engine/a.c"
	printf '#include <base/b.h>\n#include "conn.h"\n#include "ustack.h"\n' >"$root/src/client/a.c"
	: >"$root/src/base/b.h"
	: >"$root/src/odd/a.c"
	printf '#include "base/b.h"\n#include "lwip/tcp.h"\n#include "p.h"\n' >"$root/lwip-port/p.h"
	bad=0
	check_tree self-test >"$root/out"
	if [[ $bad -ne $want ]]; then
		echo "self-test: $bad complaints instead of $want:"
		cat "$root/out"
		rm -r "$root"
		exit 1
	fi
	rm -r "$root"
	bad=0
}

self_test
check_tree
[[ $bad -eq 0 ]]
