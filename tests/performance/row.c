/* One line of a CSV file, and the part of it that says what was run. */
#include "benchmark.h"

PetscErrorCode RowText(Row *row, const char name[], const char value[])
{
  PetscFunctionBeginUser;
  if (row->names[0]) {
    PetscCall(PetscStrlcat(row->names, ",", sizeof(row->names)));
    PetscCall(PetscStrlcat(row->values, ",", sizeof(row->values)));
  }
  PetscCall(PetscStrlcat(row->names, name, sizeof(row->names)));
  PetscCall(PetscStrlcat(row->values, value, sizeof(row->values)));
  PetscFunctionReturn(0);
}

PetscErrorCode RowInteger(Row *row, const char name[], PetscInt value)
{
  char text[32];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof(text), "%" PetscInt_FMT, value));
  PetscCall(RowText(row, name, text));
  PetscFunctionReturn(0);
}

PetscErrorCode RowReal(Row *row, const char name[], PetscReal value)
{
  char text[32];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof(text), "%.6g", (double)value));
  PetscCall(RowText(row, name, text));
  PetscFunctionReturn(0);
}

PetscErrorCode RowConfiguration(Row *row, const Bench *bench)
{
  const Problem *problem = &bench->problem;
  KSP            ksp;
  PC             pc;
  PCType         type;
  PetscMPIInt    ranks;
  char           label[64], version[64];

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(row, sizeof(*row)));
  PetscCall(SNESGetKSP(problem->snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCGetType(pc, &type));
  PetscCall(PetscStrncpy(label, type ? type : "default", sizeof(label)));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-label", label, sizeof(label), NULL));
  PetscCall(PetscSNPrintf(version, sizeof(version), "%d.%d.%d", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
                          PETSC_VERSION_SUBMINOR));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)problem->snes), &ranks));
  PetscCall(RowText(row, "problem", problem->name));
  PetscCall(RowInteger(row, "dim", problem->grid.dim));
  PetscCall(RowInteger(row, "grid", problem->grid.info.mx));
  PetscCall(RowInteger(row, "unknowns", problem->N));
  PetscCall(RowInteger(row, "parameters", problem->p));
  PetscCall(RowInteger(row, "ranks", ranks));
  PetscCall(RowText(row, "solver", label));
  PetscCall(RowText(row, "scalar", PetscDefined(USE_COMPLEX) ? "complex" : "real"));
  PetscCall(RowInteger(row, "index_bits", (PetscInt)(8 * sizeof(PetscInt))));
  PetscCall(RowText(row, "petsc", version));
  PetscCall(RowText(row, "petsc_debug", PetscDefined(USE_DEBUG) ? "yes" : "no"));
  PetscFunctionReturn(0);
}

PetscErrorCode RowAppend(MPI_Comm comm, const Row *row, const char name[])
{
  FILE     *file;
  PetscBool old;

  PetscFunctionBeginUser;
  PetscCall(PetscTestFile(name, 'r', &old));
  PetscCallMPI(MPI_Barrier(comm));
  PetscCall(PetscFOpen(comm, name, "a", &file));
  if (!old) PetscCall(PetscFPrintf(comm, file, "%s\n", row->names));
  PetscCall(PetscFPrintf(comm, file, "%s\n", row->values));
  PetscCall(PetscFClose(comm, file));
  PetscFunctionReturn(0);
}
