/* A block by its number, and what was meant by a name that is not there. */
#include "../private/diniparameterimpl.h"

/* For an error about a block that is not there: the name that was looked for last, and those there are */
PetscErrorCode DiniParameterHint_Private(Dini dini, PetscInt p, char hint[], size_t length)
{
  char     nearest[DINI_NAME] = "";
  PetscInt distance           = PETSC_MAX_INT;

  PetscFunctionBegin;
  hint[0] = 0;
  if (p < 0 && dini->sought[0]) {
    for (PetscInt q = 0; q < dini->nparams; q++)
      PetscCall(DiniNearer_Private(dini->sought, dini->params[q]->name, nearest, &distance));
    PetscCall(PetscSNPrintf(hint, length, "; DiniFindParameter() has found no \"%s\"%s%s%s", dini->sought,
                            nearest[0] ? ", the nearest name is \"" : "", nearest, nearest[0] ? "\"" : ""));
  }
  for (PetscInt q = 0; q < dini->nparams; q++) {
    char line[DINI_NAME];

    PetscCall(PetscSNPrintf(line, sizeof(line), "%s%" PetscInt_FMT " \"%s\"", q ? ", " : "; they are ", q,
                            dini->params[q]->name));
    PetscCall(DiniAppend_Private(hint, length, line));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniGetParameter_Private(Dini dini, PetscInt p, DiniParameter *par)
{
  char hint[512] = "";

  PetscFunctionBegin;
  if (p < 0 || p >= dini->nparams) PetscCall(DiniParameterHint_Private(dini, p, hint, sizeof(hint)));
  PetscCheck(p >= 0 && p < dini->nparams, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "%s has no parameter %" PetscInt_FMT "; %" PetscInt_FMT " have been added%s", DiniLabel_Private(dini), p,
             dini->nparams, hint);
  *par = dini->params[p];
  PetscFunctionReturn(PETSC_SUCCESS);
}
