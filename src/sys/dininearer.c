/* Which name was meant? */
#include "../private/dinidefs.h"
#include "../private/dinisysimpl.h"

/* Letters to insert, drop or change */
static PetscInt DiniDistance(const char a[], const char b[])
{
  PetscInt row[DINI_NAME + 1], n = 0;

  for (; n < DINI_NAME && b[n]; n++) row[n] = n;
  row[n] = n;
  for (PetscInt i = 0; a[i]; i++) {
    PetscInt diagonal = row[0];

    row[0] = i + 1;
    for (PetscInt j = 0; j < n; j++) {
      const PetscInt change = diagonal + (a[i] == b[j] ? 0 : 1);

      diagonal   = row[j + 1];
      row[j + 1] = PetscMin(change, 1 + PetscMin(row[j], row[j + 1]));
    }
  }
  return row[n];
}

/* Is `candidate` nearer to `name` than the nearest so far? */
PetscErrorCode DiniNearer_Private(const char name[], const char candidate[], char nearest[DINI_NAME],
                                  PetscInt *distance)
{
  const PetscInt d = DiniDistance(name, candidate);

  PetscFunctionBegin;
  if (d >= *distance) PetscFunctionReturn(PETSC_SUCCESS);
  *distance = d;
  PetscCall(PetscStrncpy(nearest, candidate, DINI_NAME));
  PetscFunctionReturn(PETSC_SUCCESS);
}
