#include "dinitest.h"

/* A multiplicative hash; the constants are those of the 64-bit finaliser of MurmurHash3. */
static PetscReal Hash(PetscInt i, PetscInt seed)
{
  unsigned long long h = (unsigned long long)i * 0x9E3779B97F4A7C15ULL + (unsigned long long)seed + 1;

  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  h ^= h >> 33;
  return (PetscReal)(h >> 11) / (PetscReal)(1ULL << 52) - (PetscReal)1.0;
}

PetscErrorCode DiniTestFill(Vec v, PetscInt seed)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(v, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++)
    PetscCall(VecSetValue(v, i, DiniTestScalar(Hash(i, 2 * seed), Hash(i, 2 * seed + 1)), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(v));
  PetscCall(VecAssemblyEnd(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestVec(Vec like, PetscInt seed, Vec *v)
{
  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(like, v));
  PetscCall(DiniTestFill(*v, seed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestDistance(Vec a, Vec b, PetscReal *distance)
{
  Vec       d;
  PetscReal na, nb;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(a, &d));
  PetscCall(VecCopy(b, d));
  PetscCall(VecAXPY(d, -1.0, a));
  PetscCall(VecNorm(a, NORM_INFINITY, &na));
  PetscCall(VecNorm(b, NORM_INFINITY, &nb));
  PetscCall(VecNorm(d, NORM_INFINITY, distance));
  if (PetscMax(na, nb) > 0.0) *distance /= PetscMax(na, nb);
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestVecsClose(Vec a, Vec b, PetscReal rtol, const char what[])
{
  PetscReal distance, na;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(a, NORM_INFINITY, &na));
  PetscCall(DiniTestDistance(a, b, &distance));
  DiniTestTrue(na > 0.0, "%s: the vector is zero", what);
  DiniTestTrue(distance <= rtol, "%s: relative distance %g, expected at most %g", what, (double)distance, (double)rtol);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestVecsDiffer(Vec a, Vec b, PetscReal rtol, const char what[])
{
  PetscReal distance;

  PetscFunctionBeginUser;
  PetscCall(DiniTestDistance(a, b, &distance));
  DiniTestTrue(distance > rtol, "%s: relative distance %g, expected more than %g", what, (double)distance,
               (double)rtol);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestMatsClose(Mat a, Mat b, PetscReal rtol, const char what[])
{
  Mat       d;
  PetscReal nd, na;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(a, MAT_COPY_VALUES, &d));
  PetscCall(MatAXPY(d, -1.0, b, DIFFERENT_NONZERO_PATTERN));
  PetscCall(MatNorm(d, NORM_FROBENIUS, &nd));
  PetscCall(MatNorm(a, NORM_FROBENIUS, &na));
  PetscCall(MatDestroy(&d));
  DiniTestTrue(na > 0.0, "%s: the matrix is zero", what);
  DiniTestTrue(nd <= rtol * na, "%s: relative distance %g, expected at most %g", what, (double)(nd / na), (double)rtol);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestEvent(const char name[], PetscInt *count)
{
  PetscLogEvent      event = -1;
  PetscEventPerfInfo info;

  PetscFunctionBeginUser;
  *count = 0;
  PetscCall(PetscMemzero(&info, sizeof(info)));
  PetscCall(PetscLogEventGetId(name, &event));
  if (event >= 0) {
    PetscCall(PetscLogEventGetPerfInfo(0, event, &info));
    *count = (PetscInt)info.count;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestOptionsSet(const char str[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsInsertString(NULL, str));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestOptionsClear(const char str[])
{
  char    **tokens;
  int       n;
  PetscBool used;

  PetscFunctionBeginUser;
  PetscCall(PetscStrToArray(str, ' ', &n, &tokens));
  for (int i = 0; i < n; i++) {
    if (tokens[i][0] != '-' || (tokens[i][1] >= '0' && tokens[i][1] <= '9')) continue;
    PetscCall(PetscOptionsUsed(NULL, tokens[i] + 1, &used));
    DiniTestTrue(used, "Option %s was never read", tokens[i]);
    PetscCall(PetscOptionsClearValue(NULL, tokens[i]));
  }
  PetscCall(PetscStrToArrayDestroy(n, tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestTextOpen(PetscViewer *viewer)
{
  FILE *f = tmpfile();

  PetscFunctionBeginUser;
  PetscCheck(f, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "No temporary file");
  PetscCall(PetscViewerASCIIOpenWithFILE(PETSC_COMM_WORLD, f, viewer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestTextClose(PetscViewer *viewer, char text[], size_t size)
{
  FILE  *f;
  size_t n;

  PetscFunctionBeginUser;
  PetscCall(PetscViewerFlush(*viewer));
  PetscCall(PetscViewerASCIIGetPointer(*viewer, &f));
  PetscCall(PetscViewerDestroy(viewer)); /* leaves the file open, which it did not open itself */
  rewind(f);
  n       = fread(text, 1, size - 1, f);
  text[n] = 0;
  fclose(f);
  PetscCallMPI(MPI_Bcast(text, (PetscMPIInt)size, MPI_CHAR, 0, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniTestTextHas(const char text[], const char words[])
{
  char *at;

  PetscFunctionBeginUser;
  PetscCall(PetscStrstr(text, words, &at));
  DiniTestTrue(at, "The text lacks \"%s\":\n%s", words, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}
