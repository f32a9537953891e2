# The diagram and the rods:  gnuplot -e "file='buckling.txt'" plot.gp   writes buckling.png
# file: what the program wrote with -buckling_output: for each number of half waves the straight rod, then arm and rod for each side
if (!exists("file")) file = "buckling.txt"
set encoding utf8
set terminal pngcairo size 1150,500 font "Sans,12" background rgb "white"
set output "buckling.png"
set tics out nomirror
set border 3
set grid lc rgb "#dddddd"
blue = "#2166ac"
red = "#b2182b"

set multiplot layout 1,2 title "θ'' + m sin θ = 0: where a rod gives way, and what becomes of it"
set xlabel "load m"
set ylabel "angle θ at the end"
set xrange [0:62]
set yrange [-pi:pi]
set key at 37,-0.4 top right
plot file index 0 using 1:2 with linespoints pt 7 ps 0.6 lw 2 lc rgb "#555555" title "straight", \
     file index 5 using 1:2 with linespoints pt 7 ps 0.6 lw 2 lc rgb "#555555" notitle, \
     for [i in "1 3"] file index int(i) using 1:2 with linespoints pt 7 ps 0.6 lw 2 lc rgb blue title (i eq "1" ? "one half wave" : ""), \
     for [i in "6 8"] file index int(i) using 1:2 with linespoints pt 7 ps 0.6 lw 2 lc rgb red title (i eq "6" ? "two" : "")

set xlabel "x"
set ylabel "y"
set size ratio -1
set xrange [-0.55:0.55]
set yrange [-0.35:0.45]
set key top left
plot for [i in "2 4"] file index int(i) using 1:2 with lines lw 3 lc rgb blue title (i eq "2" ? "the rods at m = 60" : ""), \
     for [i in "7 9"] file index int(i) using 1:2 with lines lw 3 lc rgb red notitle
unset multiplot
