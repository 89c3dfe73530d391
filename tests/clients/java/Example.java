// The Java client of openapi-generator: `java Example http://HOST:PORT CELLS NUCLEI`.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;

// example begins
import java.io.File;
import secondlook.ApiClient;
import secondlook.ApiException;
import secondlook.api.PredictionsApi;
import secondlook.api.PredictionsApi.APICreateFieldRequest;
import secondlook.api.PredictionsApi.APICreatePredictionRequest;
import secondlook.model.*;

class Secondlook {
    final ApiClient client = new ApiClient();
    final PredictionsApi api;

    Secondlook(String address) {
        client.updateBaseUri(address);
        api = new PredictionsApi(client);
    }

    PredictionAnswer ask(File image) throws ApiException {
        return api.createPrediction(APICreatePredictionRequest.newBuilder()
            .image(image).method(MethodName.MC_DROPOUT).seed(7L).build());
    }

    FieldAnswer askAboutField(File image, String nuclei) throws ApiException {
        return api.createField(APICreateFieldRequest.newBuilder().image(image).nuclei(nuclei).seed(7L).build());
    }

    Problem problemOf(ApiException error) throws Exception {
        return client.getObjectMapper().readValue(error.getResponseBody(), Problem.class);
    }
}
// example ends

public class Example {
    public static void main(String[] arguments) throws Exception {
        Secondlook secondlook = new Secondlook(arguments[0]);
        File cells = new File(arguments[1]);
        File image = new File(cells, "hsil.png");
        PredictionAnswer answer = secondlook.ask(image);
        FieldAnswer field = secondlook.askAboutField(image, arguments[2]);
        List<String> found = field.getCells().stream()
            .map(cell -> cell.getPrediction() != null
                ? cell.getPrediction().getPrediction().getLabel() : cell.getProblem().getType())
            .toList();
        Problem refused = refusal(secondlook, new File(cells, "README.md"));
        Map<String, Object> said = Map.of(
            "label", answer.getPrediction().getLabel(),
            "action", answer.getDecision().getAction(),
            "uncertainty", answer.getUncertainty(),
            "problem", Map.of("type", refused.getType(), "status", refused.getStatus()),
            "field", found);
        System.out.println(new ObjectMapper().writeValueAsString(said));
    }

    static Problem refusal(Secondlook secondlook, File noImage) throws Exception {
        try {
            secondlook.ask(noImage);
        } catch (ApiException error) {
            return secondlook.problemOf(error);
        }
        throw new AssertionError("text was taken for an image");
    }
}
