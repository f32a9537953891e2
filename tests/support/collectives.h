/* How often this rank has entered a collective call of MPI that all ranks wait for; counted by the profiling interface. */
#pragma once

typedef struct {
  int reductions; /* MPI_Allreduce, MPI_Iallreduce, MPI_Reduce */
  int scans;      /* MPI_Scan, MPI_Exscan */
  int others;     /* broadcasts, gathers, barriers, duplicated communicators */
} Collectives;

extern Collectives CollectivesCount(void);
