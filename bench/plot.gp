# plot.gp - bars for each stack; bench/report gives data and out
set terminal svg size 960,760 font "sans,11" background "white"
set output out
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 noborder
set xtics rotate by -35 noenhanced nomirror
set ytics nomirror
set border 3
set grid ytics lc rgb "#dddddd"
set yrange [0:0.1<*]
set key top left
set multiplot layout 2,2
set title "CPU seconds a GB, one processor"
plot data using 2:xtic(1) title "receives" lc rgb "#3366aa", "" using 3 title "sends" lc rgb "#ee8833"
set title "Gbit/s, one flow, all processors"
plot data using 4:xtic(1) title "receives" lc rgb "#3366aa", "" using 5 title "sends" lc rgb "#ee8833"
set title "CPU us a 1-byte TCP round trip"
plot data using 6:xtic(1) notitle lc rgb "#3366aa"
set title "CPU us a TCP connection"
plot data using 7:xtic(1) notitle lc rgb "#3366aa"
unset multiplot
