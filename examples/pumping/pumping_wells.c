#include "pumping.h"
#include <stdio.h>

static const PetscReal distances[] = {30.0, 60.0, 90.0, 120.0};

/* On rank 0: lines "time head", drawdown is minus the head; n grows */
static PetscErrorCode ReadFile(const char name[], PetscReal r, PetscInt most, Wells *w)
{
  FILE  *file;
  char   line[256];
  double t, h;

  PetscFunctionBeginUser;
  PetscCall(PetscFOpen(PETSC_COMM_SELF, name, "r", &file));
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s can not be read", name);
  while (fgets(line, sizeof(line), file)) {
    if (line[0] == '#' || line[0] == '\n') continue;
    PetscCheck(sscanf(line, "%lf %lf", &t, &h) == 2 && t > 0.0 && w->n < most, PETSC_COMM_SELF,
               PETSC_ERR_FILE_UNEXPECTED, "%s: \"%s\" is no line of a time and a head, or one too many", name, line);
    w->r[w->n]   = r;
    w->t[w->n]   = (PetscReal)t;
    w->s[w->n++] = (PetscReal)-h;
  }
  PetscCall(PetscFClose(PETSC_COMM_SELF, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WellsRead(const char directory[], Wells *w)
{
  const PetscInt most = 200;
  char           name[PETSC_MAX_PATH_LEN];
  PetscMPIInt    rank;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  w->n = 0;
  PetscCall(PetscCalloc3(most, &w->r, most, &w->t, most, &w->s));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  for (int i = 0; i < 4 && !rank && !failed; i++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "%s/dalem_p%d.txt", directory, (int)distances[i]));
    failed = ReadFile(name, distances[i], most, w);
  }
  PetscCallMPI(MPI_Bcast(&w->n, 1, MPIU_INT, 0, PETSC_COMM_WORLD));
  PetscCheck(w->n >= 4, PETSC_COMM_WORLD, PETSC_ERR_FILE_READ, "there are no data to be had from %s", directory);
  PetscCallMPI(MPI_Bcast(w->r, (PetscMPIInt)most, MPIU_REAL, 0, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Bcast(w->t, (PetscMPIInt)most, MPIU_REAL, 0, PETSC_COMM_WORLD));
  PetscCallMPI(MPI_Bcast(w->s, (PetscMPIInt)most, MPIU_REAL, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WellsDestroy(Wells *w)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(w->r, w->t, w->s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
