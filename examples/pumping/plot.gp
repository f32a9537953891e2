# Pictures of a result:  gnuplot -e "dir='out'" plot.gp
# Reads what pumping wrote with -pumping_output out, and writes drawdown.png and forecast.png into the same directory.
if (!exists("dir")) dir = "."
set encoding utf8
set terminal pngcairo size 1000,640 font "Sans,13" background rgb "white"
set datafile separator ","
set tics out nomirror
set border lw 1.2
set key left top samplen 2
set grid lc rgb "#40000000" lw 0.4 dt 3
set logscale x
set ylabel "Drawdown (m)"
set xlabel "Time since pumping began (days)"
data   = dir."/data.csv"
curves(i) = sprintf("%s/curve_%d.csv", dir, 30*i)
colours = "#1b6ca8 #c8553d #3a7d44 #7b4b94"

set output dir."/drawdown.png"
set title "Dalem: measured, and computed at the fit with twice the standard deviation"
set xrange [0.009:0.4]
plot for [i=1:4] curves(i) using (column("t_d")):(column("drawdown_m") - 2*column("deviation_m")):(column("drawdown_m") + 2*column("deviation_m")) with filledcurves fc rgb word(colours, i) fs transparent solid 0.25 notitle, \
     for [i=1:4] curves(i) using (column("t_d")):(column("drawdown_m")) with lines lw 2 lc rgb word(colours, i) notitle, \
     for [i=1:4] data using (column("r_m") == 30*i ? column("t_d") : NaN):(column("drawdown_m")) with points pt 7 ps 1.1 lc rgb word(colours, i) title sprintf("%d m", 30*i)

set output dir."/forecast.png"
set title "Forecast, 30 m from the well, with twice the standard deviation"
set xrange [0.05:100]
set key right bottom
plot dir."/forecast.csv" using 1:($2-2*$3):($2+2*$3) with filledcurves fc rgb "#1b6ca8" fs transparent solid 0.25 title "band", \
     "" using 1:2 with lines lw 2 lc rgb "#1b6ca8" title "forecast", \
     data using (column("r_m") == 30 ? column("t_d") : NaN):(column("drawdown_m")) with points pt 7 ps 1.1 lc rgb "#c8553d" title "measured"
