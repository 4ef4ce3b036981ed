// Does with UCloud's SDK for Java what test_ufile_client.py asks for: a JSON object a line in, one a line out.
//
// In:  {"do": "put", "key": ..., ...}, with the fields that the operation reads below.
// Out: {"key": value, ...}, or {"status": HTTP status, "code": RetCode, "message": ...} when the service refuses.
// The endpoint and the bucket are arguments; the key pair is in PUBLIC_KEY and PRIVATE_KEY.

import cn.ucloud.ufile.UfileClient;
import cn.ucloud.ufile.api.object.ObjectApiBuilder;
import cn.ucloud.ufile.api.object.ObjectConfig;
import cn.ucloud.ufile.api.object.multi.MultiUploadInfo;
import cn.ucloud.ufile.api.object.multi.MultiUploadPartState;
import cn.ucloud.ufile.auth.UfileObjectLocalAuthorization;
import cn.ucloud.ufile.bean.CommonPrefix;
import cn.ucloud.ufile.bean.MultiUploadResponse;
import cn.ucloud.ufile.bean.ObjectContentBean;
import cn.ucloud.ufile.bean.ObjectInfoBean;
import cn.ucloud.ufile.bean.ObjectListBean;
import cn.ucloud.ufile.bean.ObjectListWithDirFormatBean;
import cn.ucloud.ufile.bean.ObjectProfile;
import cn.ucloud.ufile.bean.UfileErrorBean;
import cn.ucloud.ufile.exception.UfileServerException;
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

public class Client {
    private static final String TYPE = "application/octet-stream";
    private static final int SECONDS = 60;
    private static final int AT_ONCE = 4;

    private final ObjectApiBuilder service;
    private final String bucket;

    Client(String endpoint, String bucket) {
        var keys = new UfileObjectLocalAuthorization(System.getenv("PUBLIC_KEY"), System.getenv("PRIVATE_KEY"));
        this.service = UfileClient.object(keys, new ObjectConfig(endpoint));
        this.bucket = bucket;
    }

    public static void main(String[] arguments) throws Exception {
        var gson = new Gson();
        var client = new Client(arguments[0], arguments[1]);
        var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // the SDK prints, too
        var asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            answers.println(gson.toJson(client.answer(gson.fromJson(line, JsonObject.class))));
        }
        System.exit(0); // the SDK's threads would go on
    }

    private Map<String, ?> answer(JsonObject asked) throws Exception {
        try {
            return perform(asked);
        } catch (UfileServerException refused) {
            UfileErrorBean error = refused.getErrorBean();
            String message = String.valueOf(error.getErrMsg());
            return Map.of("status", error.getResponseCode(), "code", error.getRetCode(), "message", message);
        }
    }

    private Map<String, ?> perform(JsonObject asked) throws Exception {
        String key = text(asked, "key");
        switch (text(asked, "do")) {
            case "put":
                var put = service.putObject(new File(text(asked, "file")), TYPE).nameAs(key).toBucket(bucket);
                return Map.of("etag", put.withMetaDatas(Map.of("From", "Java")).execute().geteTag());
            case "get":
                return get(key, text(asked, "file"), asked);
            case "download":
                ObjectProfile wanted = service.objectProfile(key, bucket).execute();
                File file = new File(text(asked, "file"));
                service.downloadFile(wanted).saveAt(file.getParent(), file.getName()).together(AT_ONCE).execute();
                return Map.of("equal", service.compareEtag(file, key, bucket));
            case "head":
                ObjectProfile found = service.objectProfile(key, bucket).execute();
                return Map.of("etag", found.geteTag(), "size", found.getContentLength(), "type", found.getContentType(),
                    "metadata", found.getMetadatas());
            case "list":
                return list(asked);
            case "listobjects":
                return listObjects(asked);
            case "multipart":
                return multipart(key, new File(text(asked, "file")));
            case "abort":
                MultiUploadInfo begun = service.initMultiUpload(key, TYPE, bucket).execute();
                service.multiUploadPart(begun, new byte[] {1}, 0).execute();
                service.abortMultiUpload(begun).execute();
                return Map.of("upload", begun.getUploadId());
            case "copy":
                return Map.of("etag", service.copyObject(bucket, key).copyTo(bucket, text(asked, "to")).execute().geteTag());
            case "delete":
                service.deleteObject(key, bucket).execute();
                return Map.of();
            default:
                throw new IllegalArgumentException(asked.toString());
        }
    }

    private Map<String, ?> get(String key, String file, JsonObject asked) throws Exception {
        String url = service.getDownloadUrlFromPrivateBucket(key, bucket, SECONDS).createUrl();
        try (OutputStream to = new FileOutputStream(file)) {
            var request = service.getStream(url).redirectStream(to);
            if (asked.has("first")) {
                request.withinRange(asked.get("first").getAsLong(), asked.get("last").getAsLong());
            }
            var got = request.execute();
            return Map.of("etag", got.geteTag(), "size", got.getContentLength());
        }
    }

    private Map<String, ?> list(JsonObject asked) throws Exception {
        ObjectListBean page = service.objectList(bucket).withPrefix(text(asked, "prefix"))
            .withMarker(text(asked, "marker")).dataLimit(asked.get("limit").getAsInt()).execute();
        List<Object> found = new ArrayList<>();
        for (ObjectInfoBean item : page.getObjectList()) {
            found.add(List.of(item.getFileName(), item.getSize(), item.getHash()));
        }
        return Map.of("objects", found, "next", page.getNextMarker());
    }

    private Map<String, ?> listObjects(JsonObject asked) throws Exception {
        ObjectListWithDirFormatBean page = service.objectListWithDirFormat(bucket).withPrefix(text(asked, "prefix"))
            .withMarker(text(asked, "marker")).withDelimiter(text(asked, "delimiter"))
            .dataLimit(asked.get("limit").getAsInt()).execute();
        List<Object> found = new ArrayList<>();
        for (ObjectContentBean item : page.getObjectContents()) {
            found.add(List.of(item.getKey(), item.getSize(), String.valueOf(item.geteTag())));
        }
        List<String> folders = new ArrayList<>();
        for (CommonPrefix folder : page.getCommonPrefixes()) {
            folders.add(folder.getPrefix());
        }
        return Map.of("objects", found, "folders", folders, "more", page.getTruncated(), "next", page.getNextMarker());
    }

    private Map<String, ?> multipart(String key, File file) throws Exception {
        MultiUploadInfo begun = service.initMultiUpload(key, TYPE, bucket).execute();
        byte[] data = Files.readAllBytes(file.toPath());
        List<MultiUploadPartState> parts = new ArrayList<>();
        for (int start = 0; start < data.length; start += begun.getBlkSize()) {
            int size = Math.min(begun.getBlkSize(), data.length - start);
            parts.add(service.multiUploadPart(begun, data, start, size, parts.size()).execute());
        }
        MultiUploadResponse done = service.finishMultiUpload(begun, parts).execute();
        return Map.of("etag", done.geteTag(), "size", done.getFileSize(), "parts", parts.size());
    }

    private static String text(JsonObject asked, String name) {
        return asked.has(name) ? asked.get(name).getAsString() : "";
    }
}
