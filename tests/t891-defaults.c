#define _POSIX_C_SOURCE 200809L /* dup2(): lists of types go past PETSC_STDOUT */
static char help[] = "What -help says of an option is what -dini_view says of the object, for every type.\n";

#include "support/fixtures.h"
#include <string.h>
#include <unistd.h>

/* Standard output goes to a file from now on; *kept is where it went */
static PetscErrorCode Divert(FILE *file, int *kept)
{
  PetscFunctionBeginUser;
  (void)fflush(stdout);
  *kept = dup(STDOUT_FILENO);
  DiniTestTrue(*kept >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0, "Standard output can not be diverted");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that has been printed since, on every rank */
static PetscErrorCode Collect(FILE *file, int kept, char text[], size_t size)
{
  PetscMPIInt rank;
  size_t      read;

  PetscFunctionBeginUser;
  (void)fflush(stdout);
  DiniTestTrue(dup2(kept, STDOUT_FILENO) >= 0, "Standard output can not be given back");
  (void)close(kept);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  rewind(file);
  read       = fread(text, 1, size - 1, file);
  text[read] = 0;
  (void)fclose(file);
  PetscCallMPI(MPI_Bcast(text, (int)size, MPI_CHAR, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The word after `before`; empty where there is none */
static void WordAfter(const char text[], const char before[], char word[64])
{
  const char *at = strstr(text, before);
  int         n  = 0;

  for (at = at ? at + strlen(before) : ""; *at && !strchr(" ,:>\n", *at) && n < 63; at++) word[n++] = *at;
  word[n] = 0;
}

static PetscErrorCode Agree(const char helped[], const char option[], const char viewed[], const char line[])
{
  char a[64], b[64];

  PetscFunctionBeginUser;
  WordAfter(helped, option, a);
  if (!a[0]) { /* newer releases write a colon behind most names */
    char        colon[80];
    const char *value = strchr(option, '<');

    PetscCall(PetscSNPrintf(colon, sizeof(colon), "%.*s: <now ", (int)(value - option - 1), option));
    WordAfter(helped, colon, a);
  }
  WordAfter(viewed, line, b);
  DiniTestTrue(a[0] && !strcmp(a, b), "-help says \"%s%s\" and -dini_view \"%s%s\"", option, a, line, b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestType(DiniType type, DiniParameterType kind)
{
  static char helped[400000], viewed[8192];
  FILE       *file = tmpfile();
  int         kept;
  Cubic       c;
  Vec         ubar, mbar;
  PetscViewer viewer;
  PetscBool   shell;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(6, DiniTestScalar(0.3, 0.1), &c));
  PetscCall(VecSet(c.u, 1.0));
  PetscCall(Divert(file, &kept));
  PetscCall(CubicDini(&c, type, kind));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniTestVec(c.u, 3, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniJVP(c.dini, mbar, ubar));
  PetscCall(Collect(file, kept, helped, sizeof(helped)));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, viewed, sizeof(viewed)));
  PetscCall(Agree(helped, "-dini_type <now ", viewed, "type: "));
  PetscCall(Agree(helped, "-dini_tangent_ksp_type <now ", viewed, "tangent solver: "));
  PetscCall(Agree(helped, "-dini_adjoint_ksp_type <now ", viewed, "adjoint solver: "));
  PetscCall(Agree(helped, "-dini_transpose <now ", viewed, "transpose: "));
  PetscCall(Agree(helped, "-dini_reuse <now ", viewed, "reuse "));
  PetscCall(Agree(helped, "-dini_tangent_rtol <", viewed, "residuals: tangent "));
  PetscCall(Agree(helped, "-dini_adjoint_rtol <", viewed, ", adjoint "));
  if (kind) PetscCall(Agree(helped, "-dini_parameter_m_type <now ", viewed, "F_m by type "));
  PetscCall(PetscStrcmp(type, DINISHELL, &shell));
  if (shell) PetscCall(Agree(helped, "-dini_pc_type <now ", viewed, "preconditioner: "));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  FILE     *nowhere = tmpfile();
  PetscBool shell   = PETSC_FALSE;
  int       kept;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-shell", &shell, NULL));
  PetscCall(Divert(nowhere, &kept)); /* the help for everything else */
  PetscCall(DiniTestOptionsSet("-help"));
  if (shell) PetscCall(TestType(DINISHELL, DINIPARAMETERCOLORING)); /* PETSc prints help once a program */
  else PetscCall(TestType(DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniTestOptionsClear("-help"));
  (void)fflush(stdout);
  DiniTestTrue(dup2(kept, STDOUT_FILENO) >= 0, "Standard output can not be given back");
  (void)close(kept);
  (void)fclose(nowhere);
  PetscCall(PetscFinalize());
  return 0;
}
