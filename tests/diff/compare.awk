# compare.awk - compare two outputs of tests/diff/diff, less what is accepted
#
# usage: awk -f compare.awk accepted kernel ours
#
# A line is KEY = VALUE.  A line of `accepted' is
#	KEY = KERNEL => OURS -- REASON
# where each of the first three is a pattern of the whole, in which * stands
# for anything; or it is a comment (#).  "? " in front says that it depends on
# time whether the two differ.
# Prints differences that nobody accepted, accepted entries that no longer
# differ, and a count; the status says whether there were any.
function pattern_of(glob,    r) {
	r = glob
	gsub(/[][\\.+?(){}|^$]/, "\\\\&", r)
	gsub(/\*/, ".*", r)
	return "^" r "$"
}
function judge(key, a, b,    i) {
	compared++
	if (a == b)
		return
	a = a == "" ? "(nothing)" : a
	b = b == "" ? "(nothing)" : b
	for (i = 1; i <= entries; i++)
		if (key ~ keys_of[i] && a ~ kernels_of[i] && b ~ ours_of[i]) {
			used[i]++
			accepted++
			return
		}
	bad++
	print "differs: " key
	print "    kernel: " a
	print "    ours:   " b
}
FILENAME == ARGV[1] {
	if ($0 ~ /^#/ || $0 == "")
		next
	if (!match($0, / = .* => .* -- ./)) {
		print "accepted: not KEY = KERNEL => OURS -- REASON: " $0
		bad++
		next
	}
	entry[++entries] = $0
	sometimes[entries] = sub(/^[?] /, "")
	sub(/ -- .*/, "")
	at = index($0, " = ")
	keys_of[entries] = pattern_of(substr($0, 1, at - 1))
	values = substr($0, at + 3)
	at = index(values, " => ")
	kernels_of[entries] = pattern_of(substr(values, 1, at - 1))
	ours_of[entries] = pattern_of(substr(values, at + 4))
	next
}
{
	at = index($0, " = ")
	key = at ? substr($0, 1, at - 1) : "(no scenario) " $0
	value = at ? substr($0, at + 3) : $0
	n = ++count[FILENAME, key]
	if (n > 1)
		key = key " #" n
	if (FILENAME == ARGV[2]) {
		kernel[key] = value
		order[++keys] = key
	} else {
		ours[key] = value
		if (!(key in kernel))
			extra[++extras] = key
	}
}
END {
	for (i = 1; i <= keys; i++)
		judge(order[i], kernel[order[i]], ours[order[i]])
	for (i = 1; i <= extras; i++)
		judge(extra[i], "", ours[extra[i]])
	for (i = 1; i <= entries; i++)
		if (!used[i] && !sometimes[i]) {
			print "accepted, but nothing differs so: " entry[i]
			bad++
		}
	printf "%d observations, %d differ and are accepted by %d entries, %d fail\n", \
		compared, accepted, entries, bad
	exit bad > 0 || compared == 0
}
